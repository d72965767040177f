"""Segmentation networks of segmentation-models-pytorch: made, kept, read and asked.

Input statistics lie in the buffers `image_mean` and `image_std`, so that `backbones.normalise`, `standardise` and `place` serve
these networks too.
"""

import difflib
import functools
import json
from pathlib import Path
from typing import cast

import numpy as np
import segmentation_models_pytorch as smp
import timm
import torch
from safetensors.torch import load_file, save_file
from segmentation_models_pytorch.encoders import get_encoder_names
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.models import get_pretrained_cfg
from torch import nn

from synthtrace import backbones
from synthtrace.errors import InputError
from synthtrace.segment.weights import load_encoder

# timm's own encoders are asked for by this and their timm name
TIMM = "tu-"


def check_encoder(encoder: str) -> None:
    """Raises InputError, naming the nearest known name, when segmentation-models-pytorch has no such encoder."""
    known = timm.list_models() if encoder.startswith(TIMM) else get_encoder_names()
    name = encoder.removeprefix(TIMM)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
    prefix = TIMM if encoder.startswith(TIMM) else ""
    raise InputError(f"segmenter.encoder: unknown encoder {encoder!r}; the nearest name is {prefix + near!r}")


@functools.cache
def check_network(architecture: str, encoder: str, side: int) -> None:
    """Raises InputError before any training when the network cannot be made, or not for images of `side` x `side` pixels."""
    check_encoder(encoder)
    with torch.device("meta"):  # shapes without values: nothing is computed, no noise is drawn
        network = _made(architecture, encoder, 3)
    stride = network.encoder.output_stride
    if side % stride:
        raise InputError(
            f"segmenter.encoder: {encoder} cannot take images of {side} x {side} pixels; expected a side that is a multiple of "
            f"{stride}"
        )


def _made(architecture: str, encoder: str, channels: int) -> smp.base.SegmentationModel:
    try:
        return smp.create_model(architecture, encoder, encoder_weights=None, in_channels=channels, classes=1)
    except (KeyError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"segmenter: no {architecture} can be made with the encoder {encoder} ({reason})") from None


def create(architecture: str, encoder: str, channels: int, weights: str | None = None) -> nn.Module:
    """A network from images (B, C, S, S), as `backbones.normalise` gives them, to logits (B, 1, S, S) of the lesion.

    One logit a pixel and a sigmoid say what the paper's two and a softmax say.

    `weights` of the encoder: null, initialised from torch's global generator (`compute.seed_everything`) and to be given its
    input statistics by `backbones.standardise`; "imagenet", the library's from the hub; else a local .safetensors or .pth file.

    Raises:
        InputError: an unknown encoder, or weights that cannot be had or do not fit.
    """
    check_encoder(encoder)
    network = _made(architecture, encoder, channels)
    mean, std = [0.5] * channels, [0.5] * channels
    if weights is not None:
        load_encoder(network.encoder, encoder, channels, weights)
        mean, std = _statistics(encoder, channels)
    for key, value in (("image_mean", mean), ("image_std", std)):
        network.register_buffer(key, torch.tensor(value).view(1, -1, 1, 1), persistent=False)
    return network


def _statistics(encoder: str, channels: int) -> tuple[list[float], list[float]]:
    """Mean and deviation that the encoder's pretrained weights expect, averaged over channels for grey images."""
    config = get_pretrained_cfg(encoder.removeprefix(TIMM)) if encoder.startswith(TIMM) else None
    mean, std = (config.mean, config.std) if config else (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    if channels == 1:
        return [float(np.mean(mean))], [float(np.mean(std))]
    return list(mean), list(std)


def save(folder: Path, network: nn.Module, architecture: str, encoder: str) -> None:
    """Write config.json (architecture, encoder, input statistics) and model.safetensors below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architecture": architecture,
        "encoder": encoder,
        "image_mean": network.get_buffer("image_mean").flatten().tolist(),
        "image_std": network.get_buffer("image_std").flatten().tolist(),
    }
    (folder / backbones.CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    weights = {key: value.cpu().contiguous() for key, value in network.state_dict().items()}
    save_file(weights, folder / backbones.WEIGHTS)


def load(folder: Path, device: torch.device) -> nn.Module:
    """Read a network that `save` wrote, in evaluation mode on `device`."""
    config = json.loads((folder / backbones.CONFIG).read_text(encoding="utf-8"))
    network = create(config["architecture"], config["encoder"], len(config["image_mean"]))
    for key in ("image_mean", "image_std"):
        network.get_buffer(key).copy_(torch.tensor(config[key]).view(1, -1, 1, 1))
    network.load_state_dict(load_file(folder / backbones.WEIGHTS))
    return cast(nn.Module, network.to(device).eval())


@torch.inference_mode()
def predict(network: nn.Module, images: np.ndarray, device: torch.device, batch_size: int = 64) -> np.ndarray:
    """Probabilities of the lesion (N, 1, S, S), float32, of uint8 images (N, C, S, S).

    The network is left in evaluation mode.
    """
    network.eval()
    batches = torch.from_numpy(images).split(batch_size)
    logits = [network(backbones.normalise(network, batch.to(device))).float().cpu() for batch in batches]
    return torch.cat(logits).sigmoid().numpy()
