"""How latents are made noisy, and sampling from a trained denoiser (Rombach et al. 2021)."""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DDPMScheduler, DPMSolverMultistepScheduler

from synthtrace.errors import InputError
from synthtrace.generators.denoiser import Denoiser
from synthtrace.params import Drawing

# scaled_linear: that of latent diffusion models; cosine: Nichol and Dhariwal 2021
SCHEDULES: dict[str, dict[str, Any]] = {
    "scaled_linear": {"beta_schedule": "scaled_linear", "beta_start": 0.0015, "beta_end": 0.0195},
    "cosine": {"beta_schedule": "squaredcos_cap_v2"},
}
TIMESTEPS = 1000
# sampling starts at the last timestep with this share of the clean latent's variance, and training's end is never sampled:
# what follows from a predicted noise there is its error, divided by the root of the share
LEAST_SHARE = 1e-4
# order of the solver behind each sampler, and how its steps are spaced
SAMPLERS: dict[str, dict[str, Any]] = {
    "ddim": {"solver_order": 1, "timestep_spacing": "trailing"},
    "dpmsolver++": {"solver_order": 2, "use_lu_lambdas": True},
}


@dataclass(frozen=True)
class Noising:
    """A noise schedule by its name, and what a denoiser predicts (diffusers' `prediction_type`)."""

    schedule: str
    prediction_type: str

    def training(self) -> DDPMScheduler:
        """The scheduler that makes latents noisy in training."""
        return DDPMScheduler(TIMESTEPS, prediction_type=self.prediction_type, **SCHEDULES[self.schedule])

    def sampler(self, name: str, steps: int) -> DPMSolverMultistepScheduler:
        """A deterministic sampler from pure noise to clean latents in that many steps, not clipped.

        `ddim`: Song et al. 2022, paper 0's with 500 steps, which is the solver of first order (Lu et al. 2022, Section 4.1).
        `dpmsolver++`: the multistep solver of second order (Lu et al. 2022) for some 20 steps, even in the logarithm of signal
        over noise: even in time, its last step would leap over most of the fine structure. Both end without noise, and start
        at the last timestep whose share of signal is at least LEAST_SHARE: of `scaled_linear` that is the last of all, of
        `cosine`, which leaves a share of 2e-9 there, number 992. Raises InputError for another name.
        """
        if name not in SAMPLERS:
            raise InputError(f"sampler: unknown sampler {name!r}; known are {', '.join(SAMPLERS)}")
        noising = self.training()
        sampled = int((noising.alphas_cumprod >= LEAST_SHARE).sum())
        scheduler = DPMSolverMultistepScheduler(
            sampled,
            trained_betas=noising.betas[:sampled].numpy(),
            prediction_type=self.prediction_type,
            algorithm_type="dpmsolver++",
            final_sigmas_type="zero",
            **SAMPLERS[name],
        )
        scheduler.set_timesteps(steps)
        # many steps can share a timestep, by which the scheduler would look its first one up
        scheduler.set_begin_index(0)
        return scheduler


@torch.no_grad()
def denoise(
    model: Denoiser, latents: torch.Tensor, condition: torch.Tensor, noising: Noising, drawing: Drawing
) -> torch.Tensor:
    """From noise latents (B, L, s, s) to clean ones, with prediction = null + g (conditional - null).

    At `guidance_scale` 1 the null prediction has no part and is not computed (Ho and Salimans 2022, Eq. 6, with w = g - 1).
    """
    scheduler = noising.sampler(drawing.sampler, drawing.steps)
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
