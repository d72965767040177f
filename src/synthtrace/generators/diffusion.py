"""How latents are made noisy, and sampling from a trained denoiser (Rombach et al. 2021)."""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, SchedulerMixin

from synthtrace.errors import InputError
from synthtrace.generators.denoiser import Denoiser
from synthtrace.params import Drawing

# scaled_linear: that of latent diffusion models; cosine: Nichol and Dhariwal 2021
SCHEDULES: dict[str, dict[str, Any]] = {
    "scaled_linear": {"beta_schedule": "scaled_linear", "beta_start": 0.0015, "beta_end": 0.0195},
    "cosine": {"beta_schedule": "squaredcos_cap_v2"},
}
TIMESTEPS = 1000


@dataclass(frozen=True)
class Noising:
    """A noise schedule by its name, and what a denoiser predicts (diffusers' `prediction_type`)."""

    schedule: str
    prediction_type: str

    @property
    def config(self) -> dict[str, Any]:
        """What every scheduler of diffusers is told."""
        return {
            "num_train_timesteps": TIMESTEPS,
            "prediction_type": self.prediction_type,
            **SCHEDULES[self.schedule],
        }

    def training(self) -> DDPMScheduler:
        """The scheduler that makes latents noisy in training."""
        return DDPMScheduler(**self.config)

    def scheduler(self, sampler: str) -> SchedulerMixin:
        """A deterministic sampler from pure noise to clean latents, not clipped.

        `ddim`: Song et al. 2022, paper 0's with 500 steps. `dpmsolver++`: the second-order multistep solver of Lu et al. 2022 for
        some 20 steps, even in the logarithm of signal over noise: even in time, its last step would leap over most of the fine
        structure. Both start at the last timestep and end without noise. Raises InputError for another name.
        """
        if sampler == "ddim":
            return DDIMScheduler(**self.config, timestep_spacing="trailing", clip_sample=False)
        if sampler == "dpmsolver++":
            return DPMSolverMultistepScheduler(
                **self.config,
                algorithm_type="dpmsolver++",
                solver_order=2,
                use_lu_lambdas=True,
                final_sigmas_type="zero",
            )
        raise InputError(f"sampler: unknown sampler {sampler!r}; known are ddim, dpmsolver++")


@torch.no_grad()
def denoise(
    model: Denoiser, latents: torch.Tensor, condition: torch.Tensor, noising: Noising, drawing: Drawing
) -> torch.Tensor:
    """From noise latents (B, L, s, s) to clean ones, with prediction = null + g (conditional - null).

    At `guidance_scale` 1 the null prediction has no part and is not computed (Ho and Salimans 2022, Eq. 6, with w = g - 1).
    """
    scheduler = noising.scheduler(drawing.sampler)
    scheduler.set_timesteps(drawing.steps)
    guided = drawing.guidance_scale != 1
    if guided:
        condition = torch.cat([model.null(condition), condition])
    count = len(condition)
    for timestep in scheduler.timesteps:
        if guided:
            predicted = model(torch.cat([latents, latents]), timestep.expand(count).to(latents.device), condition)
            without, conditioned = predicted.chunk(2)
            predicted = without + drawing.guidance_scale * (conditioned - without)
        else:
            predicted = model(latents, timestep.expand(count).to(latents.device), condition)
        latents = scheduler.step(predicted, timestep, latents).prev_sample
    return latents
