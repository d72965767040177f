"""Training of a diffusion model of image-mask pairs (paper 2, section 3.1 and Table A.1)."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lightning
import torch
from diffusers import UNet2DModel
from diffusers.training_utils import EMAModel
from torch.utils.data import IterableDataset

from synthtrace import compute
from synthtrace.errors import InputError
from synthtrace.generators.batches import epoch_order
from synthtrace.generators.pairs import network, variance
from synthtrace.generators.training import Recorder, fit
from synthtrace.params.pairs import PairDiffusion
from synthtrace.seeds import Seeds
from synthtrace.tracking import Tracker

# weight of the variational bound beside the simple loss (Nichol and Dhariwal 2021, Eq. 16)
BOUND_WEIGHT = 0.001


@dataclass
class PairBatch:
    """What a step trains on: pairs (B, C+1, S, S) in [-1, 1], their ids, and the step."""

    pairs: torch.Tensor
    image_ids: list[str]
    step: int


class PairBatches(IterableDataset):
    """Batches of shuffled epochs of pairs; batch t depends on the seed, the names and t alone."""

    def __init__(
        self, pairs: torch.Tensor, image_ids: list[str], settings: PairDiffusion, seeds: Seeds, names: tuple[str | int, ...]
    ) -> None:
        self.pairs, self.image_ids, self.settings = pairs, image_ids, settings
        self.seeds, self.names = seeds, names

    def __len__(self) -> int:
        return self.settings.steps

    def __iter__(self) -> Iterator[PairBatch]:
        """Yield the batches in order."""
        size = self.settings.batch_size
        for step in range(self.settings.steps):
            chosen = epoch_order(self.seeds, self.names, len(self.pairs), step * size, size)
            yield PairBatch(self.pairs[chosen], [self.image_ids[index] for index in chosen], step)


class PairTraining(lightning.LightningModule):
    """Denoising of pairs at uniform timesteps, half of them mirrored, averaged weights kept; a constant learning rate.

    The authors' code mirrors so. Noise, timesteps and mirroring of a step come from a stream of its own, on the CPU.
    """

    def __init__(self, unet: UNet2DModel, settings: PairDiffusion, seeds: Seeds, names: tuple[str | int, ...]) -> None:
        super().__init__()
        self.unet = unet.train()
        self._settings, self._seeds, self._names = settings, seeds, names
        self._scheduler = network.noising(settings)
        self._average = EMAModel(self.unet.parameters(), decay=settings.ema_decay, foreach=True)

    def training_step(self, batch: PairBatch, batch_idx: int) -> torch.Tensor:
        """The hybrid loss of Nichol and Dhariwal 2021, Eq. 16; with a variance that is not learned, its simple part alone."""
        stream = compute.generator(self._seeds.integer(*self._names, "noise", batch.step))
        pairs, count = batch.pairs, len(batch.pairs)
        mirrored = (torch.rand(count, generator=stream) < 0.5).to(pairs.device)
        pairs = torch.where(mirrored[:, None, None, None], pairs.flip(-1), pairs)
        noise = torch.randn(pairs.shape, generator=stream).to(pairs.device)
        timesteps = torch.randint(0, self._settings.train_timesteps, (count,), generator=stream).to(pairs.device)
        noisy = self._scheduler.add_noise(pairs, noise, timesteps)
        output = self.unet(noisy, timesteps).sample.float()
        velocity = self._settings.prediction_type == "v_prediction"
        target = self._scheduler.get_velocity(pairs, noise, timesteps) if velocity else noise
        loss = torch.nn.functional.mse_loss(output[:, : pairs.shape[1]], target)
        clean, learned = network.denoised(self._scheduler, output, noisy, timesteps)
        if learned is None:
            return loss
        bound = variance.bound(self._scheduler, pairs, noisy, timesteps, clean, learned)
        # a term at a uniform timestep stands for all of them
        return loss + BOUND_WEIGHT * self._settings.train_timesteps * bound.mean()

    def on_train_start(self) -> None:
        """The averaged weights follow the model to its device."""
        self._average.to(self.device)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """An optimiser step, then one of the average."""
        super().optimizer_step(*args, **kwargs)
        self._average.step(self.unet.parameters())

    def averaged(self) -> UNet2DModel:
        """A copy of the U-Net with the averaged weights."""
        result = copy.deepcopy(self.unet)
        self._average.copy_to(result.parameters())
        return result.eval()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        settings, fused = self._settings, self.device.type == "cuda"
        return torch.optim.AdamW(
            self.unet.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=fused
        )


def train_pairs(
    pairs: torch.Tensor,
    image_ids: list[str],
    settings: PairDiffusion,
    seeds: Seeds,
    names: tuple[str | int, ...],
    device: torch.device,
    precision: str,
    tracker: Tracker,
) -> tuple[UNet2DModel, Recorder]:
    """A U-Net of averaged weights, trained on pairs (N, C+1, S, S) in [-1, 1], and what the training saw and lost.

    `names` are those of its random streams and name it in errors; `precision` is `compute.precision`.

    Raises:
        InputError: there are no pairs or as many ids, their side does not fit the levels, or the training has failed.
    """
    where = " ".join(map(str, names))
    if not len(pairs) or len(pairs) != len(image_ids):
        raise InputError(f"{where}: expected pairs to train on and an id for each, found {len(pairs)} and {len(image_ids)} ids")
    compute.seed_everything(seeds.integer(*names, "init"))
    unet = network.build(settings, pairs.shape[1] - 1, pairs.shape[-1])
    training = PairTraining(unet, settings, seeds, names)
    recorder = fit(training, PairBatches(pairs, image_ids, settings, seeds, names), device, precision, tracker, where)
    return training.averaged().to(device), recorder
