"""Pairs of discs and their masks, small denoisers of them, and settings."""

from typing import Any

import torch
from diffusers import DDPMScheduler, UNet2DModel
from torch import nn

from synthtrace import backbones, compute
from synthtrace.generators.pairs.network import Denoiser
from synthtrace.params.style import Style

SIDE = 16
CPU = torch.device("cpu")
TABLE_A3 = {"zecon": 500, "perceptual": 100, "mse": 5000, "token": 10000, "l2": 10000, "semantic": 40000, "range": 200}
NONE = dict.fromkeys(TABLE_A3, 0)


def settings(**changes: Any) -> Style:
    tree: dict[str, Any] = {
        "steps": 20,
        "skip_timesteps": 8,
        "batch_size": 2,
        "weights": TABLE_A3,
        "patches": 64,
        "temperature": 0.07,
        "perceptual": None,
        "token": None,
    }
    return Style.model_validate(tree | changes)


def discs(count: int, seed: int, background: float | None = None) -> torch.Tensor:
    """Pairs (count, 4, 16, 16): bright discs on a coloured ground, and where they are."""
    noise = compute.generator(seed)
    centre, radius = torch.rand(count, 2, 1, 1, generator=noise) * 6 + 5, torch.rand(count, 1, 1, generator=noise) * 2 + 2
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    inside = ((y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2 < radius**2).float().unsqueeze(1)
    ground = torch.rand(count, 3, 1, 1, generator=noise) - 0.8
    if background is not None:
        ground = torch.full_like(ground, background)
    images = ground * (1 - inside) + 0.6 * inside + 0.05 * torch.randn(count, 3, SIDE, SIDE, generator=noise)
    return torch.cat([images.clamp(-1, 1), 2 * inside - 1], 1)


def streams(count: int, first: int = 0) -> list[torch.Generator]:
    return [compute.generator(first + number) for number in range(count)]


def untrained(out_channels: int = 4, prediction_type: str = "epsilon") -> Denoiser:
    torch.manual_seed(0)
    unet = UNet2DModel(
        SIDE,
        in_channels=4,
        out_channels=out_channels,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "ResnetUpsampleBlock2D"),
        downsample_type="resnet",
        upsample_type="resnet",
        resnet_time_scale_shift="scale_shift",
        norm_num_groups=4,
    )
    return Denoiser(unet.eval(), DDPMScheduler(1000, prediction_type=prediction_type))


def extractor(channels: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return backbones.create("test_resnet", 2, channels)
