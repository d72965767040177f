"""The noise schedule of latent diffusion models, and sampling from a trained one (Rombach et al. 2021)."""

from typing import Any

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, SchedulerMixin

from synthtrace.errors import InputError
from synthtrace.generators.protocol import Family

# the noise schedule of latent diffusion models
SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.0015,
    "beta_end": 0.0195,
}


def sampler(name: str, prediction_type: str) -> SchedulerMixin:
    """A deterministic sampler from pure noise to clean latents, not clipped, for a model that predicts `prediction_type`.

    `ddim`: Song et al. 2022, paper 0's with 500 steps. `dpmsolver++`: the second-order multistep solver of Lu et al. 2022 for
    some 20 steps, even in the logarithm of signal over noise: even in time, its last step would leap over most of the fine
    structure. Both start at the last timestep and end without noise. Raises InputError for another name.
    """
    if name == "ddim":
        return DDIMScheduler(**SCHEDULE, prediction_type=prediction_type, timestep_spacing="trailing", clip_sample=False)
    if name == "dpmsolver++":
        return DPMSolverMultistepScheduler(
            **SCHEDULE,
            prediction_type=prediction_type,
            algorithm_type="dpmsolver++",
            solver_order=2,
            use_lu_lambdas=True,
            final_sigmas_type="zero",
        )
    raise InputError(f"sampler: unknown sampler {name!r}; known are ddim, dpmsolver++")


@torch.no_grad()
def denoise(
    family: Family,
    latents: torch.Tensor,
    condition: torch.Tensor,
    *,
    name: str,
    prediction_type: str,
    steps: int,
    guidance_scale: float,
) -> torch.Tensor:
    """From noise latents (B, L, s, s) to clean ones by the sampler `name`, with prediction = null + g (conditional - null).

    At `guidance_scale` 1 the null prediction has no part and is not computed (Ho and Salimans 2022, Eq. 6, with w = g - 1).
    """
    scheduler = sampler(name, prediction_type)
    scheduler.set_timesteps(steps)
    guided = guidance_scale != 1
    if guided:
        condition = torch.cat([family.null(condition), condition])
    count = len(condition)
    for timestep in scheduler.timesteps:
        if guided:
            predicted = family(torch.cat([latents, latents]), timestep.expand(count).to(latents.device), condition)
            without, conditioned = predicted.chunk(2)
            predicted = without + guidance_scale * (conditioned - without)
        else:
            predicted = family(latents, timestep.expand(count).to(latents.device), condition)
        latents = scheduler.step(predicted, timestep, latents).prev_sample
    return latents
