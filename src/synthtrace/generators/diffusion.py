"""The noise schedule of latent diffusion models, and sampling from a trained one (Rombach et al. 2021; Song et al. 2022)."""

from typing import Any

import torch
from diffusers import DDIMScheduler

from synthtrace.generators.protocol import Family

# the noise schedule of latent diffusion models; latents are not clipped
SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.0015,
    "beta_end": 0.0195,
    "clip_sample": False,
}


def sampler(prediction_type: str) -> DDIMScheduler:
    """Deterministic DDIM (Song et al. 2022) that starts from pure noise, for a model that predicts `prediction_type`."""
    return DDIMScheduler(**SCHEDULE, prediction_type=prediction_type, timestep_spacing="trailing")


@torch.no_grad()
def denoise(
    family: Family,
    latents: torch.Tensor,
    condition: torch.Tensor,
    *,
    prediction_type: str,
    steps: int,
    guidance_scale: float,
) -> torch.Tensor:
    """DDIM from noise latents (B, L, s, s) to clean ones, with prediction = null + g (conditional - null).

    At `guidance_scale` 1 the null prediction has no part and is not computed (Ho and Salimans 2022, Eq. 6, with w = g - 1).
    """
    scheduler = sampler(prediction_type)
    scheduler.set_timesteps(steps)
    null = family.null(condition)
    count = len(latents)
    for timestep in scheduler.timesteps:
        if guidance_scale == 1:
            predicted = family(latents, timestep.expand(count).to(latents.device), condition)
        else:
            both = family(
                torch.cat([latents, latents]), timestep.expand(2 * count).to(latents.device), torch.cat([null, condition])
            )
            without, conditioned = both.chunk(2)
            predicted = without + guidance_scale * (conditioned - without)
        latents = scheduler.step(predicted, timestep, latents).prev_sample
    return latents
