"""The variational bound against answers known on paper."""

import math

import pytest
import torch
from diffusers import DDPMScheduler

from synthtrace.generators.pairs.network import denoised
from synthtrace.generators.pairs.variance import bound, log_likelihood


@pytest.fixture
def scheduler() -> DDPMScheduler:
    return DDPMScheduler(1000, variance_type="learned_range")


def noised(scheduler: DDPMScheduler, timestep: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    stream = torch.Generator().manual_seed(0)
    pairs = torch.rand(2, 2, 4, 4, generator=stream) * 2 - 1
    timesteps = torch.full((2,), timestep)
    return pairs, scheduler.add_noise(pairs, torch.randn(pairs.shape, generator=stream), timesteps), timesteps


@pytest.mark.parametrize("timestep", [1, 20, 999])
def test_with_the_truth_predicted_the_least_variance_costs_nothing(scheduler: DDPMScheduler, timestep: int) -> None:
    pairs, noisy, timesteps = noised(scheduler, timestep)
    least, greatest = (bound(scheduler, pairs, noisy, timesteps, pairs, torch.full_like(pairs, at)) for at in (-1.0, 1.0))
    assert least.shape == (2,)
    assert torch.allclose(least, torch.zeros(2), atol=1e-5)
    small, large = (scheduler._get_variance(timestep, variance_type=kind).item() for kind in ("fixed_small", "fixed_large"))
    expected = 0.5 * (math.log(large / small) + small / large - 1) / math.log(2)
    assert torch.allclose(greatest, torch.full((2,), expected), rtol=1e-3, atol=1e-6)


def test_a_wrong_mean_costs_its_squared_distance_over_twice_the_variance(scheduler: DDPMScheduler) -> None:
    pairs, noisy, timesteps = noised(scheduler, 500)
    costs = bound(scheduler, pairs, noisy, timesteps, pairs + 0.1, torch.full_like(pairs, -1.0))
    share, before = scheduler.alphas_cumprod[500].item(), scheduler.alphas_cumprod[499].item()
    moved = 0.1 * math.sqrt(before) * (1 - share / before) / (1 - share)
    expected = 0.5 * moved**2 / scheduler._get_variance(500, variance_type="fixed_small").item() / math.log(2)
    assert torch.allclose(costs, torch.full((2,), expected), rtol=1e-2)


def test_the_first_timestep_costs_the_likelihood_of_8_bit_values(scheduler: DDPMScheduler) -> None:
    pairs, noisy, timesteps = noised(scheduler, 0)
    costs = bound(scheduler, pairs, noisy, timesteps, pairs, torch.ones_like(pairs))
    variance = torch.full_like(pairs, scheduler.betas[0].item()).log()
    expected = -log_likelihood(pairs, pairs, variance).mean(dim=(1, 2, 3)) / math.log(2)
    assert torch.allclose(costs, expected, rtol=1e-4)


def test_probabilities_of_all_8_bit_values_sum_to_one() -> None:
    values = torch.arange(256).double() / 127.5 - 1
    for mean, deviation in ((0.3, 0.02), (-0.98, 0.5), (1.2, 0.1)):
        chances = log_likelihood(values, torch.tensor(mean).double(), torch.tensor(2 * math.log(deviation)).double()).exp()
        assert chances.sum().item() == pytest.approx(1, abs=1e-6)


def test_the_bound_teaches_the_variance_alone(scheduler: DDPMScheduler) -> None:
    pairs, noisy, timesteps = noised(scheduler, 300)
    output = torch.zeros(2, 4, 4, 4, requires_grad=True)
    clean, variance = denoised(scheduler, output, noisy, timesteps)
    assert variance is not None
    bound(scheduler, pairs, noisy, timesteps, clean, variance).sum().backward()
    assert output.grad is not None
    assert (output.grad[:, :2] == 0).all()
    assert (output.grad[:, 2:] != 0).all()


def test_learning_finds_the_variance_of_a_known_error(scheduler: DDPMScheduler) -> None:
    """Of clean pairs whose prediction is d off, the best variance is the posterior's plus the squared move of the mean."""
    pairs, noisy, timesteps = noised(scheduler, 4)
    variance = torch.zeros(2, 2, 4, 4, requires_grad=True)
    optimizer = torch.optim.Adam([variance], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        cost = bound(scheduler, pairs, noisy, timesteps, pairs + 0.01, variance).mean()
        cost.backward()
        optimizer.step()
    small, large = (scheduler._get_variance(4, variance_type=kind).item() for kind in ("fixed_small", "fixed_large"))
    share, before = scheduler.alphas_cumprod[4].item(), scheduler.alphas_cumprod[3].item()
    best = small + (0.01 * math.sqrt(before) * (1 - share / before) / (1 - share)) ** 2
    learned = small ** (1 - (variance[0, 0, 0, 0].item() + 1) / 2) * large ** ((variance[0, 0, 0, 0].item() + 1) / 2)
    assert learned == pytest.approx(best, rel=1e-2)
