"""The U-Net of image-mask pairs, what it is told of noise, and its checkpoint folder."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import DDPMScheduler, UNet2DModel

from synthtrace.generators.unets import norm_groups
from synthtrace.params.pairs import PairDiffusion

# the schedule was made for this many timesteps; betas grow as there are fewer (Nichol and Dhariwal 2021)
USUAL = 1000


class Denoiser(NamedTuple):
    """A diffusion model of pairs: an unconditional U-Net of C+1 channels, in evaluation mode, and its scheduler."""

    unet: UNet2DModel
    scheduler: DDPMScheduler


def build(settings: PairDiffusion, channels: int, side: int) -> UNet2DModel:
    """A new U-Net of pairs (B, `channels` + 1, side, side): that of Dhariwal and Nichol 2021 (paper 2, Table A.1).

    Residual blocks change the resolution and take the timestep as scale and shift. With a learned variance its output has twice
    the channels. Raises InputError when the side does not fit the levels.
    """
    attends = [at in settings.attention for at in settings.sides(side)]
    inputs, groups = channels + 1, norm_groups(settings.channels)
    return UNet2DModel(
        sample_size=side,
        in_channels=inputs,
        out_channels=inputs * (2 if settings.learned_variance else 1),
        block_out_channels=tuple(settings.channels),
        layers_per_block=settings.layers_per_block,
        down_block_types=tuple("AttnDownBlock2D" if here else "ResnetDownsampleBlock2D" for here in attends),
        up_block_types=tuple("AttnUpBlock2D" if here else "ResnetUpsampleBlock2D" for here in reversed(attends)),
        downsample_type="resnet",
        upsample_type="resnet",
        resnet_time_scale_shift="scale_shift",
        attention_head_dim=settings.head_dim,
        norm_num_groups=groups,
        attn_norm_num_groups=groups,
        dropout=settings.dropout,
    )


def noising(settings: PairDiffusion) -> DDPMScheduler:
    """The scheduler that makes pairs noisy, and steps back on its way to clean ones.

    `linear` is that of Ho et al. 2020 (paper 2, Table A.1), `cosine` that of Nichol and Dhariwal 2021. Predicted pairs are
    clipped to [-1, 1]; a variance that is not learned is that of the posterior.
    """
    scale = USUAL / settings.train_timesteps
    linear: dict[str, Any] = {"beta_schedule": "linear", "beta_start": scale * 1e-4, "beta_end": scale * 0.02}
    return DDPMScheduler(
        settings.train_timesteps,
        prediction_type=settings.prediction_type,
        variance_type="learned_range" if settings.learned_variance else "fixed_small",
        **(linear if settings.noise_schedule == "linear" else {"beta_schedule": "squaredcos_cap_v2"}),
    )


def save(unet: UNet2DModel, scheduler: DDPMScheduler, folder: Path) -> None:
    """Write the parts of a checkpoint folder, `unet` and `scheduler`."""
    unet.save_pretrained(folder / "unet")
    scheduler.save_pretrained(folder / "scheduler")


def load(folder: Path, device: torch.device) -> tuple[UNet2DModel, DDPMScheduler]:
    """The U-Net of a checkpoint folder, in evaluation mode on `device`, and its scheduler."""
    unet = UNet2DModel.from_pretrained(folder / "unet", use_safetensors=True, low_cpu_mem_usage=False)
    return unet.eval().to(device), DDPMScheduler.from_pretrained(folder / "scheduler")


def denoised(
    scheduler: DDPMScheduler, output: torch.Tensor, noisy: torch.Tensor, timesteps: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The clean pairs that a U-Net's output stands for, unclipped, and its variance channels where it has learned them.

    `output` (B, C, S, S) or (B, 2C, S, S) belongs to `noisy` (B, C, S, S) at `timesteps` (B,). A variance v in [-1, 1] lies
    between the least and the greatest on a logarithmic scale (Nichol and Dhariwal 2021, Eq. 15).
    """
    prediction, *variance = output.float().split(noisy.shape[1], dim=1)
    share = scheduler.alphas_cumprod.to(noisy.device)[timesteps][:, None, None, None]
    if scheduler.config["prediction_type"] == "v_prediction":
        clean = share.sqrt() * noisy - (1 - share).sqrt() * prediction
    else:
        clean = (noisy - (1 - share).sqrt() * prediction) / share.sqrt()
    return clean, variance[0] if variance else None
