"""Samplers against answers known on paper."""

import math
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler

from synthtrace.errors import InputError
from synthtrace.generators.diffusion import SAMPLERS, SCHEDULES, Noising, denoise
from synthtrace.params import Drawing

PREDICTIONS = ["epsilon", "v_prediction"]


class Exact(torch.nn.Module):
    """The best prediction for latents distributed as N(0, deviation^2), or for one known latent, and a constant error."""

    def __init__(self, noising: Noising, deviation: float, clean: torch.Tensor | None = None, error: float = 0.0) -> None:
        super().__init__()
        self.velocity = noising.prediction_type == "v_prediction"
        self.deviation, self.clean, self.error = deviation, clean, error
        self.share = noising.training().alphas_cumprod

    def null(self, condition: torch.Tensor) -> torch.Tensor:
        return condition

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        share = self.share[timesteps][:, None, None, None]
        clean = self.clean
        if clean is None:
            clean = latents * share.sqrt() * self.deviation**2 / (share * self.deviation**2 + 1 - share)
        noise = (latents - share.sqrt() * clean) / (1 - share).sqrt()
        return self.error + (share.sqrt() * noise - (1 - share).sqrt() * clean if self.velocity else noise)


def drawn(
    noising: Noising,
    name: str,
    steps: int,
    deviation: float,
    clean: torch.Tensor | None = None,
    error: float = 0.0,
) -> torch.Tensor:
    oracle: Any = Exact(noising, deviation, clean, error)
    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    return denoise(oracle, noise, torch.zeros(2), noising, Drawing(name, steps, 1.0))


@pytest.mark.parametrize("prediction_type", PREDICTIONS)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [7, 10])
def test_a_latent_whose_noise_is_known_is_recovered(name: str, schedule: str, prediction_type: str, steps: int) -> None:
    """With the truth predicted at every step, a sampler lands on the clean latent: the last step leaves no noise."""
    clean = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(drawn(Noising(schedule, prediction_type), name, steps, 1.0, clean), clean, atol=1e-3)


@pytest.mark.parametrize("prediction_type", PREDICTIONS)
@pytest.mark.parametrize(("schedule", "twenty", "second"), [("scaled_linear", 0.1, 0.01), ("cosine", 0.1, 0.02)])
def test_twenty_steps_of_the_second_order_solver_come_as_near_as_500_of_ddim(
    schedule: str, twenty: float, second: float, prediction_type: str
) -> None:
    """For Gaussian latents the flow is known: it scales each noise by the deviation at the end over that at the start."""
    noising, deviation = Noising(schedule, prediction_type), 0.3
    share = noising.training().alphas_cumprod[noising.sampler("ddim", 20).timesteps[0]].item()
    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    exact = noise * deviation / math.sqrt(share * deviation**2 + 1 - share)
    far = {
        (name, steps): ((drawn(noising, name, steps, deviation) - exact).std() / exact.std()).item()
        for name, steps in (("ddim", 20), ("ddim", 500), ("dpmsolver++", 20))
    }
    assert far["ddim", 20] > twenty
    assert far["ddim", 500] < 0.05
    assert far["dpmsolver++", 20] < second


@pytest.mark.parametrize("prediction_type", PREDICTIONS)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [10, 20, 200])
def test_a_small_error_of_the_prediction_stays_small(name: str, schedule: str, prediction_type: str, steps: int) -> None:
    """A constant error of 0.05 in the noise moves the exact flow's end by 0.05 asinh(s / a), here at most 0.27, for latents of
    unit deviation; from the last timestep of `cosine` 20 steps of DDIM are 75 off.
    """
    noising = Noising(schedule, prediction_type)
    off = drawn(noising, name, steps, 1.0, error=0.05) - drawn(noising, name, steps, 1.0)
    assert off.abs().max() < (0.3 if steps > 20 else 0.8)


def test_500_steps_share_timesteps_and_end_where_20_do() -> None:
    noising = Noising("cosine", "epsilon")
    timesteps = noising.sampler("dpmsolver++", 500).timesteps
    assert len(set(timesteps.tolist())) < len(timesteps) == 500
    few, many = (drawn(noising, "dpmsolver++", steps, 1.0) for steps in (20, 500))
    assert torch.allclose(few, many, atol=0.1)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_latents_are_not_clipped(name: str, schedule: str) -> None:
    clean = torch.full((2, 4, 8, 8), 7.0)
    assert torch.allclose(drawn(Noising(schedule, "epsilon"), name, 5, 1.0, clean), clean, atol=1e-2)


@pytest.mark.parametrize(("schedule", "last"), [("scaled_linear", 999), ("cosine", 992)])
@pytest.mark.parametrize("name", SAMPLERS)
def test_sampling_starts_at_the_last_timestep_with_a_ten_thousandth_of_signal(name: str, schedule: str, last: int) -> None:
    scheduler = Noising(schedule, "epsilon").sampler(name, 20)
    assert scheduler.timesteps[0] == last
    assert len(scheduler.timesteps) == 20


def test_ddim_is_that_of_diffusers() -> None:
    noising = Noising("scaled_linear", "v_prediction")
    scheduler = DDIMScheduler(
        1000, prediction_type="v_prediction", timestep_spacing="trailing", clip_sample=False, **SCHEDULES["scaled_linear"]
    )
    scheduler.set_timesteps(50)
    oracle = Exact(noising, 0.3)
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    for timestep in scheduler.timesteps:
        predicted = oracle(latents, timestep.expand(2), torch.zeros(2))
        latents = scheduler.step(predicted, timestep, latents).prev_sample
    assert torch.allclose(drawn(noising, "ddim", 50, 0.3), latents, atol=1e-4)


def test_an_unknown_sampler_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown sampler 'euler'; known are ddim, dpmsolver\+\+"):
        Noising("cosine", "epsilon").sampler("euler", 20)
