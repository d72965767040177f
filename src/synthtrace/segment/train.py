"""One training of a segmentation network: Dice loss, a learning rate that falls once, the best weights by validation IoU."""

import copy
import itertools
from dataclasses import dataclass

import torch
from segmentation_models_pytorch.losses import BINARY_MODE, DiceLoss
from torch import nn

from synthtrace import backbones, compute
from synthtrace.generators.health import check_loss
from synthtrace.params.segmenter import Segmenter
from synthtrace.seeds import Seeds
from synthtrace.segment.augment import control
from synthtrace.segment.mixing import Plan
from synthtrace.segment.networks import create, predict
from synthtrace.segment.pairs import SegmentationSet
from synthtrace.segment.scores import THRESHOLD, iou
from synthtrace.stage import progress


@dataclass(frozen=True)
class Trained:
    """A network with its best weights, and how it came to them.

    `validation_ious`: mean IoU of the validation pairs after `looks` steps each, of which `best_step` is the earliest of the
    largest; `seen`: the training pairs that were really drawn.
    """

    network: nn.Module
    losses: list[float]
    learning_rates: list[float]
    looks: list[int]
    validation_ious: list[float]
    best_step: int
    seen: list[str]


def train(
    plan: Plan,
    settings: Segmenter,
    *,
    altered: bool,
    seeds: Seeds,
    seed: int,
    device: torch.device,
    where: str,
    precision: str = "float32",
) -> Trained:
    """Train a new network for `settings.steps` steps by Adam and the Dice loss of a batch (paper 2, section 3.5).

    Initial weights, epochs and the noise of the augmentation (`altered`: whether there is any) are named by the training's
    number `seed` alone, so that recipes are paired; equal plans, settings and seeds give equal bytes. The global generators are
    seeded.

    Raises:
        InputError: the loss is no number (naming `where`), or weights that cannot be had.
    """
    names = ("segment", settings.architecture, settings.encoder, seed)
    compute.seed_everything(seeds.integer(*names, "init"))
    network = create(settings.architecture, settings.encoder, plan.training.images.shape[1], settings.weights)
    if settings.weights is None:
        backbones.standardise(network, plan.training.images)
    backbones.place(network, device)
    optimiser = torch.optim.Adam(network.parameters(), settings.learning_rate)
    dice = DiceLoss(BINARY_MODE)
    images, masks = (torch.from_numpy(stack).to(device) for stack in (plan.training.images, plan.training.masks))
    noise = compute.generator(seeds.integer(*names, "control"))
    falls, looks = round(settings.falls_after * settings.steps), _looks(settings)
    losses, rates, ious, seen = [], [], [], set()
    best, best_step = network.state_dict(), 0
    batches = itertools.islice(plan.batches(settings.batch_size, seeds, names), settings.steps)
    network.train()
    for step, drawn in enumerate(progress(batches, where, total=settings.steps, unit="step"), start=1):
        rate = settings.learning_rate if step <= falls else settings.learning_rate_after
        for group in optimiser.param_groups:
            group["lr"] = rate
        index = torch.from_numpy(drawn).to(device)
        batch, truth = images[index].float(), masks[index].float() / 255
        if altered:
            batch, truth = control(batch, truth, noise)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            logits = network(backbones.normalise(network, batch))
        loss = dice(logits.float(), truth)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
        rates.append(rate)
        seen.update(drawn.tolist())
        if step in looks:
            check_loss(torch.stack(losses).tolist(), where)
            ious.append(validation_iou(network, plan.validation, device))
            if ious[-1] > max(ious[:-1], default=-1.0):
                best, best_step = copy.deepcopy(network.state_dict()), step
            network.train()
    network.load_state_dict(best)
    drawn_ids = sorted(plan.training.image_ids[position] for position in seen)
    return Trained(network.eval(), torch.stack(losses).tolist(), rates, looks, ious, best_step, drawn_ids)


def _looks(settings: Segmenter) -> list[int]:
    """Steps after which the validation pairs are looked at, the last one among them."""
    return [settings.steps * look // settings.evaluations for look in range(1, settings.evaluations + 1)]


def validation_iou(network: nn.Module, pairs: SegmentationSet, device: torch.device) -> float:
    """Mean IoU over pairs; the network is left in evaluation mode."""
    return float(iou(predict(network, pairs.images, device) > THRESHOLD, pairs.masks > 0).mean())
