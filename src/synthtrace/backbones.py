"""timm backbones: made, fed, trained and asked in one way, for the in-domain extractor and for the classifiers."""

import difflib
import functools
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
import timm
import torch
from safetensors.torch import load_file, save_file
from timm.layers import PatchEmbed
from timm.models import get_pretrained_cfg, load_state_dict
from torch import nn
from torch.nn import functional

from synthtrace import compute
from synthtrace.errors import InputError
from synthtrace.seeds import Seeds
from synthtrace.stage import progress

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
SIDE = "image_side"
MOMENTUM = 0.9

Optimizer = Literal["adamw", "sgd"]
Schedule = Literal["cosine", "constant"]
Names = tuple[str | int | float, ...]
Augment = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
Draw = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


class Fitted(TypedDict):
    """What a training loop did: loss and learning rate a step, and the indices of the images that it really drew."""

    losses: list[float]
    learning_rates: list[float]
    seen: set[int]


def check_name(name: str, parameter: str) -> None:
    """Raises InputError, naming `parameter` and the nearest known name, when timm has no such model."""
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=1, cutoff=0.0)[0]
        raise InputError(f"{parameter}: timm has no model {name!r}; the nearest name is {near!r}")


@functools.cache
def check_side(name: str, side: int, parameter: str) -> None:
    """Raises InputError, naming `parameter`, when a model made for images of one size cannot be made for `side` x `side`."""
    if not _of_one_size(name):
        return
    where = f"{parameter}: {name} cannot take images of preprocess.image_size {side}"
    try:
        with torch.device("meta"):  # shapes without values: nothing is computed, no noise is drawn
            model = timm.create_model(name, img_size=side)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise InputError(f"{where} ({' '.join(str(error).split())}); expected another size") from None
    patches = [part.patch_size[0] for part in model.modules() if isinstance(part, PatchEmbed)]
    if any(side % patch for patch in patches):  # timm itself may leave the last pixels out in silence
        raise InputError(f"{where}; expected a multiple of {max(patches)}, the side of its patches")


def _of_one_size(name: str) -> bool:
    """Whether a model is made for images of one size, as vision transformers are: it has a weight a position."""
    return bool(getattr(get_pretrained_cfg(name), "fixed_input_size", False))


def create(
    name: str,
    classes: int,
    channels: int,
    weights: str | None = None,
    parameter: str = "classifier.backbones",
    side: int | None = None,
    weights_parameter: str = "classifier.weights",
) -> nn.Module:
    """A timm model with a fresh head of `classes` outputs for images of `channels` channels.

    `side` of the images, in pixels, is what models of one size are made for (null: for timm's size), pretrained position
    weights being resampled; others take any size.

    `weights`: null, initialised from torch's global generator (see `compute.seed_everything`) and to be given its input
    statistics by `standardise`; "imagenet", timm's pretrained ones from the hub; else a local .safetensors or .pth file of this
    architecture, whose head may have other classes.

    Raises:
        InputError: unknown name (naming `parameter` and the nearest known one), images of a side that the model cannot take, or
            weights that cannot be had or do not fit (naming `weights_parameter`).
    """
    check_name(name, parameter)
    shape: dict[str, Any] = {"num_classes": classes, "in_chans": channels}
    if side is not None and _of_one_size(name):
        check_side(name, side, parameter)
        shape["img_size"] = side
    if weights is None:
        model = timm.create_model(name, **shape)
        mean, std = [0.5] * channels, [0.5] * channels
    else:
        model = _pretrained(name, weights, shape, weights_parameter)
        normalisation: dict[str, Any] = vars(model)["pretrained_cfg"]
        mean, std = list(normalisation["mean"]), list(normalisation["std"])
        if channels == 1:
            mean, std = [sum(mean) / len(mean)], [sum(std) / len(std)]
    for key, value in (("image_mean", mean), ("image_std", std)):
        model.register_buffer(key, torch.tensor(value).view(1, -1, 1, 1), persistent=False)
    setattr(model, SIDE, side)
    return model


def _pretrained(name: str, weights: str, shape: dict[str, Any], parameter: str) -> nn.Module:
    where = f"{parameter}: {weights!r} for {name}"
    overlay = None
    if weights != "imagenet":
        _check_weights(name, weights, where)
        overlay = {"file": weights}
    try:
        return timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **shape)
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{where} cannot be loaded ({reason}); expected null, a reachable hub or a local file") from None


@functools.cache
def _check_weights(name: str, weights: str, where: str) -> None:
    """Timm loads what fits and is silent about the rest: a file of another architecture must be refused here, once."""
    if not Path(weights).is_file():
        raise InputError(f"{where}: no such file; expected null, 'imagenet' or a .safetensors or .pth file")
    try:
        found = set(load_state_dict(weights, use_ema=False, device="cpu", weights_only=True))
    except Exception as error:  # unpickling, safetensors and zip errors share no base class
        raise InputError(f"{where}: not a readable weights file ({type(error).__name__})") from None
    with torch.random.fork_rng(devices=[]):  # the first model to be made starts from the same noise as the second
        missing = sorted(set(timm.create_model(name, num_classes=0).state_dict()) - found)
    if missing:
        raise InputError(f"{where}: expected weights of {name}, found none for {missing[0]!r}")


def normalise(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) in 0..255, uint8 or float, to what the model expects: (x / 255 - mean) / std.

    Mean and deviation are those of the pretrained weights, where there are any (averaged over channels for grey images), else
    0.5 and 0.5.
    """
    return (images.float() / 255 - model.get_buffer("image_mean")) / model.get_buffer("image_std")


def standardise(model: nn.Module, images: np.ndarray) -> None:
    """Let `normalise` use the mean and deviation of these uint8 images (N, C, H, W), a model's real training images.

    For models without pretrained weights: after few steps, batch-norm statistics still hold a share of their initial mean 0
    and variance 1, which dark images far from that scale cannot afford.
    """
    channels = images.transpose(1, 0, 2, 3).reshape(images.shape[1], -1).astype(np.float64) / 255
    model.get_buffer("image_mean").copy_(torch.from_numpy(channels.mean(axis=1)).view(1, -1, 1, 1))
    model.get_buffer("image_std").copy_(torch.from_numpy(channels.std(axis=1).clip(1 / 255)).view(1, -1, 1, 1))


def save(folder: Path, model: nn.Module, name: str, classes: int, channels: int) -> None:
    """Write config.json (name, classes, channels, side, input statistics) and model.safetensors below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "backbone": name,
        "channels": channels,
        "classes": classes,
        "image_mean": model.get_buffer("image_mean").flatten().tolist(),
        "image_side": getattr(model, SIDE),
        "image_std": model.get_buffer("image_std").flatten().tolist(),
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    save_file({key: value.cpu().contiguous() for key, value in model.state_dict().items()}, folder / WEIGHTS)


def load(folder: Path, device: torch.device) -> nn.Module:
    """Read a model that `save` wrote, in evaluation mode on `device`."""
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    made_for = (config["backbone"], config["classes"], config["channels"])
    model = create(*made_for, parameter=f"{folder / CONFIG}: backbone", side=config[SIDE])
    for key in ("image_mean", "image_std"):
        model.get_buffer(key).copy_(torch.tensor(config[key]).view(1, -1, 1, 1))
    model.load_state_dict(load_file(folder / WEIGHTS))
    return model.to(device).eval()


def place(model: nn.Module, device: torch.device) -> nn.Module:
    """Move a model; on a GPU, where convolutions are faster so, its weights lie channels last."""
    layout = torch.channels_last if device.type == "cuda" else torch.contiguous_format
    return model.to(device, memory_format=layout)  # type: ignore[call-overload]


def altered(model: nn.Module, images: torch.Tensor, augment: Augment | None) -> Draw:
    """Batches of uint8 images (N, C, H, W) as the model expects them, altered in 0..255 before they are normalised."""

    def draw(index: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
        batch = images[index].float()
        return normalise(model, batch if augment is None else augment(batch, noise))

    return draw


def fit(
    model: nn.Module,
    draw: Draw,
    labels: torch.Tensor,
    *,
    steps: int,
    batch_size: int,
    optimizer: Optimizer,
    schedule: Schedule,
    learning_rate: float,
    weight_decay: float,
    seeds: Seeds,
    names: Names,
    device: torch.device,
    precision: str = "float32",
) -> Fitted:
    """Train in place for `steps` steps by cross-entropy, with an optimiser and a schedule of their own.

    AdamW, or stochastic gradient descent with momentum 0.9; the learning rate falls to zero along a cosine, or is constant.

    `labels` (N,) lie on `device`. Batches run through one shuffle after another of 0 .. N-1, drawn from the stream
    (*names, "batches"); `draw` makes the model's input of such indices and a CPU generator seeded by (*names, "augment"). The
    weights after the last step stay; the model is left in training mode. With `precision` bfloat16 the forward pass runs in it
    where it may, and weights stay float32.

    Raises:
        InputError: the loss is not finite.
    """
    place(model, device).train()
    optimiser = _optimiser(model, optimizer, learning_rate, weight_decay)
    noise = compute.generator(seeds.integer(*names, "augment"))
    batches = _batches(len(labels), batch_size, seeds.stream(*names, "batches"))
    drawn = np.stack([next(batches) for _ in range(steps)])
    where = " ".join(map(str, names))
    rates = [learning_rate * (1 if schedule == "constant" else _cosine(step / steps)) for step in range(steps)]
    losses = []
    for rate, index in progress(list(zip(rates, torch.from_numpy(drawn).to(device), strict=True)), where, unit="step"):
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            loss = functional.cross_entropy(model(draw(index, noise)), labels[index])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    # asked for once: to read a loss a step is to wait for a GPU a step
    values = torch.stack(losses).tolist()
    for step, value in enumerate(values):
        if not math.isfinite(value):
            raise InputError(f"{where}: the loss is {value} at step {step}; expected a learning_rate below {learning_rate}")
    return Fitted(losses=values, learning_rates=rates, seen=set(drawn.flatten().tolist()))


def _optimiser(model: nn.Module, name: Optimizer, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    if name == "sgd":
        return torch.optim.SGD(model.parameters(), learning_rate, MOMENTUM, weight_decay=weight_decay, fused=True)
    return torch.optim.AdamW(model.parameters(), learning_rate, weight_decay=weight_decay, fused=True)


def _cosine(progressed: float) -> float:
    return (1 + math.cos(math.pi * progressed)) / 2


def _batches(count: int, size: int, stream: np.random.Generator) -> Iterator[np.ndarray]:
    """Endless batches of exactly `size` indices: every image is drawn once before any is drawn again."""
    waiting = np.empty(0, dtype=np.int64)
    while True:
        while len(waiting) < size:
            waiting = np.concatenate([waiting, stream.permutation(count)])
        yield waiting[:size]
        waiting = waiting[size:]


def _laid_out(images: torch.Tensor) -> torch.Tensor:
    """The same values in one layout of memory: by the strides that images happen to have torch chooses how it convolves.

    Of two ways to the same features, one last bit differs. A copy, since images of one channel pass for contiguous whatever
    their strides are.
    """
    return torch.empty(images.shape, dtype=torch.float32, device=images.device).copy_(images)


@torch.inference_mode()
def predict(model: nn.Module, images: torch.Tensor, batch_size: int = 256) -> np.ndarray:
    """Class probabilities (N, classes), float64, of uint8 images (N, C, H, W) on the model's device; rows sum to 1."""
    model.eval()
    return probabilities([model(normalise(model, _laid_out(batch))) for batch in images.split(batch_size)])


def probabilities(logits: list[torch.Tensor]) -> np.ndarray:
    """Softmax in float64 of batches of logits, as one array (N, classes)."""
    return torch.cat(logits).double().softmax(dim=1).cpu().numpy()


@torch.inference_mode()
def embed(model: Any, images: torch.Tensor, batch_size: int = 256) -> np.ndarray:
    """Penultimate features (N, D), float32, of uint8 images (N, C, H, W) on the model's device."""
    model.eval()
    features = [
        model.forward_head(model.forward_features(normalise(model, _laid_out(batch))), pre_logits=True)
        for batch in images.split(batch_size)
    ]
    return torch.cat(features).float().cpu().numpy()
