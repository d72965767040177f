"""U-Nets of latents, in the shape that `generator` gives to every family that has one."""

import math
from pathlib import Path
from typing import Any

from diffusers import UNet2DConditionModel, UNet2DModel

from synthtrace.generators.denoiser import LatentShape
from synthtrace.params import Generator


def build(params: Generator, latent: LatentShape, *, inputs: int | None = None, labels: int | None = None) -> UNet2DModel:
    """A U-Net from `inputs` channels (those of a latent unless told) to a latent's.

    With `labels` it looks up embeddings of that many labels, which are added to the timestep's.
    """
    return UNet2DModel(**_shape(params, latent, "AttnDownBlock2D", inputs or latent.channels), num_class_embeds=labels)


def build_attending(params: Generator, latent: LatentShape, dim: int) -> UNet2DConditionModel:
    """A U-Net that attends to tokens of `dim` values."""
    return UNet2DConditionModel(**_shape(params, latent, "CrossAttnDownBlock2D", latent.channels), cross_attention_dim=dim)


def load(folder: Path) -> UNet2DModel:
    """The U-Net of a checkpoint folder, made by `build`."""
    return UNet2DModel.from_pretrained(folder / "unet", use_safetensors=True, low_cpu_mem_usage=False)


def _shape(params: Generator, latent: LatentShape, attending: str, inputs: int) -> dict[str, Any]:
    """What both of diffusers' U-Nets are told: attention at the lowest `attention_levels` resolutions."""
    plain = len(params.channels) - params.attention_levels
    down = ("DownBlock2D",) * plain + (attending,) * params.attention_levels
    return {
        "sample_size": latent.size,
        "in_channels": inputs,
        "out_channels": latent.channels,
        "block_out_channels": tuple(params.channels),
        "layers_per_block": params.layers_per_block,
        "down_block_types": down,
        "up_block_types": tuple(name.replace("Down", "Up") for name in reversed(down)),
        "attention_head_dim": 8,
        "norm_num_groups": norm_groups(params.channels),
    }


def norm_groups(channels: list[int]) -> int:
    """Groups of each group normalisation, 32 at most, of four channels or more.

    Time and label embeddings are constants that are added to a channel before it: in a group of that channel alone they would
    be taken off again.
    """
    return math.gcd(32, *(max(1, width // 4) for width in channels))
