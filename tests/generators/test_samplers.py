"""Samplers against answers known on paper."""

import math
from typing import Any

import pytest
import torch

from synthtrace.errors import InputError
from synthtrace.generators.diffusion import denoise, sampler

SAMPLERS = ["ddim", "dpmsolver++"]
PREDICTIONS = ["epsilon", "v_prediction"]


class Exact(torch.nn.Module):
    """The best prediction for latents distributed as N(0, deviation^2), or for one known latent."""

    def __init__(self, prediction_type: str, deviation: float, clean: torch.Tensor | None = None) -> None:
        super().__init__()
        self.velocity, self.deviation, self.clean = prediction_type == "v_prediction", deviation, clean
        self.share = sampler("ddim", prediction_type).alphas_cumprod

    def null(self, condition: torch.Tensor) -> torch.Tensor:
        return condition

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        share = self.share[timesteps][:, None, None, None]
        clean = self.clean
        if clean is None:
            clean = latents * share.sqrt() * self.deviation**2 / (share * self.deviation**2 + 1 - share)
        noise = (latents - share.sqrt() * clean) / (1 - share).sqrt()
        return share.sqrt() * noise - (1 - share).sqrt() * clean if self.velocity else noise


def drawn(name: str, prediction_type: str, steps: int, deviation: float, clean: torch.Tensor | None = None) -> torch.Tensor:
    oracle: Any = Exact(prediction_type, deviation, clean)
    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    return denoise(oracle, noise, torch.zeros(2), name=name, prediction_type=prediction_type, steps=steps, guidance_scale=1.0)


@pytest.mark.parametrize("prediction_type", PREDICTIONS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_latent_whose_noise_is_known_is_recovered(name: str, prediction_type: str) -> None:
    """With the truth predicted at every step, a sampler lands on the clean latent: the last step leaves no noise."""
    clean = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(drawn(name, prediction_type, 10, 1.0, clean), clean, atol=1e-3)


@pytest.mark.parametrize("prediction_type", PREDICTIONS)
def test_twenty_steps_of_the_second_order_solver_come_as_near_as_500_of_ddim(prediction_type: str) -> None:
    """For Gaussian latents the flow is known: it scales each noise by the deviation at the end over that at the start."""
    deviation = 0.3
    share = sampler("ddim", prediction_type).alphas_cumprod[-1].item()
    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    exact = noise * deviation / math.sqrt(share * deviation**2 + 1 - share)
    far = {
        (name, steps): ((drawn(name, prediction_type, steps, deviation) - exact).std() / exact.std()).item()
        for name, steps in (("ddim", 20), ("ddim", 500), ("dpmsolver++", 20))
    }
    assert far["ddim", 20] > 0.1
    assert far["ddim", 500] < 0.05
    assert far["dpmsolver++", 20] < 0.01


@pytest.mark.parametrize("name", SAMPLERS)
def test_latents_are_not_clipped(name: str) -> None:
    clean = torch.full((2, 4, 8, 8), 7.0)
    assert torch.allclose(drawn(name, "epsilon", 5, 1.0, clean), clean, atol=1e-2)


@pytest.mark.parametrize("name", SAMPLERS)
def test_sampling_starts_at_the_last_timestep(name: str) -> None:
    scheduler = sampler(name, "epsilon")
    scheduler.set_timesteps(20)
    assert scheduler.timesteps[0] == 999
    assert len(scheduler.timesteps) == 20


def test_an_unknown_sampler_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown sampler 'euler'; known are ddim, dpmsolver\+\+"):
        sampler("euler", "epsilon")
