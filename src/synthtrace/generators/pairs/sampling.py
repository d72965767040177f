"""Whole pairs from noise, in fewer steps than training had timesteps (respacing; paper 2, Table A.1)."""

import torch
from diffusers import DDPMScheduler, UNet2DModel

from synthtrace import compute


@torch.no_grad()
def sample(unet: UNet2DModel, scheduler: DDPMScheduler, steps: int, noise_seeds: list[int]) -> torch.Tensor:
    """Pairs (N, C+1, S, S) in [-1, 1] on the U-Net's device, by ancestral sampling (Ho et al. 2020, Algorithm 2).

    All noise of a pair comes from a CPU stream of its own, made of its seed: it is the same in every batch.
    """
    streams = [compute.generator(seed) for seed in noise_seeds]
    shape = (unet.config["in_channels"], unet.config["sample_size"], unet.config["sample_size"])
    noisy = torch.stack([torch.randn(shape, generator=stream) for stream in streams]).to(unet.device)
    stepping = DDPMScheduler.from_config(scheduler.config)
    stepping.set_timesteps(steps)
    for timestep in stepping.timesteps:
        output = unet(noisy, timestep.expand(len(noisy)).to(unet.device)).sample
        noisy = stepping.step(output, timestep, noisy, generator=streams).prev_sample
    return noisy
