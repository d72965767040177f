"""Inpainting against answers known on paper, and by a small trained model."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler

from synthtrace import compute
from synthtrace.errors import InputError
from synthtrace.generators.pairs.repaint import Respaced, dilated, dilation, evaluations, inpaint, plan, repaint
from synthtrace.params.pairs import Inpainting
from synthtrace.seeds import Seeds

Settings = Callable[..., Inpainting]
Stacks = tuple[np.ndarray, np.ndarray]


class Oracle(torch.nn.Module):
    """The best noise for pairs distributed as N(0, deviation^2), and the timesteps at which it was asked."""

    device = torch.device("cpu")

    def __init__(self, deviation: float = 0.3) -> None:
        super().__init__()
        self.deviation, self.asked, self.levels = deviation, list[int](), list[float]()
        self.shares = DDPMScheduler(1000).alphas_cumprod

    def forward(self, noisy: torch.Tensor, timesteps: torch.Tensor) -> Any:
        self.asked.append(int(timesteps[0]))
        self.levels.append(noisy.std().item())
        share = self.shares[timesteps][:, None, None, None]
        clean = noisy * share.sqrt() * self.deviation**2 / (share * self.deviation**2 + 1 - share)
        return SimpleNamespace(sample=(noisy - share.sqrt() * clean) / (1 - share).sqrt())


def filled(oracle: Any, inpainting: Inpainting, count: int = 1, side: int = 16, keep: int = 0) -> torch.Tensor:
    """Grounds of 0.5 painted anew but for `keep` columns."""
    fill = torch.ones(count, 1, side, side, dtype=torch.bool)
    fill[..., :keep] = False
    streams = [compute.generator(seed) for seed in range(count)]
    return repaint(oracle, DDPMScheduler(1000), torch.full((count, 2, side, side), 0.5), fill, inpainting, streams)


@pytest.mark.parametrize(
    ("respacing", "jump", "resamples", "count"),
    [(20, 5, 2, 35), (20, 10, 3, 40), (15, 5, 3, 35), (12, 3, 1, 12), (200, 10, 5, 960)],
)
def test_the_denoiser_is_evaluated_as_often_as_foretold(
    inpainting: Settings, respacing: int, jump: int, resamples: int, count: int
) -> None:
    """As many as the jumps of Lugmayr et al. 2022 make, and paper 2's 960 (Tables A.1 and A.2)."""
    oracle = Oracle()
    filled(oracle, inpainting(respacing=respacing, jump_length=jump, resamples=resamples), side=2)
    assert evaluations(respacing, jump, resamples) == count == len(oracle.asked)


def test_the_way_goes_back_as_far_as_the_jump(inpainting: Settings) -> None:
    oracle = Oracle()
    filled(oracle, inpainting(respacing=5, jump_length=2, resamples=2), side=2)
    assert oracle.asked == [800, 600, 400, 600, 400, 200, 0, 200, 0]


@pytest.mark.parametrize("resamples", [1, 3])
def test_the_denoiser_is_told_the_noise_that_there_is(inpainting: Settings, resamples: int) -> None:
    """Of pairs that are known to be 0 the deviation at every timestep is the noise's, on the way there and back."""
    oracle = Oracle(0.0)
    drawn = filled(oracle, inpainting(respacing=20, jump_length=5, resamples=resamples), count=4, side=32)
    assert torch.allclose(torch.tensor(oracle.levels), (1 - oracle.shares[oracle.asked]).sqrt(), rtol=0.04)
    assert drawn.abs().max() < 1e-4


def test_the_way_back_is_one_of_the_levels_of_noise() -> None:
    """Diffusers' own leads to a level with less of the pair than the denoiser is told."""
    stepping = Respaced(1000, trained_betas=DDPMScheduler(1000).betas.numpy(), eta=1.0)
    stepping.set_timesteps(20, 5, 2)
    share = stepping.alphas_cumprod
    start, streams = torch.ones(1, 2, 256, 256), [compute.generator(0)]
    there = stepping.undo_step(start, 100, streams)
    assert there.mean().item() == pytest.approx((share[100] / share[50]).sqrt().item(), abs=5e-3)
    assert there.std().item() == pytest.approx((1 - share[100] / share[50]).sqrt().item(), abs=5e-3)
    theirs = super(Respaced, stepping).undo_step(start, 100, compute.generator(0))
    assert theirs.mean() < there.mean() - 0.005


def test_without_a_jump_and_with_all_filled_a_step_is_diffusers_own(inpainting: Settings) -> None:
    oracle = Oracle(2.0)
    drawn = filled(oracle, inpainting(respacing=10, resamples=1))
    stream, ancestral = compute.generator(0), DDPMScheduler(1000)
    ancestral.set_timesteps(10)
    noisy = torch.randn(1, 2, 16, 16, generator=stream)
    for timestep in ancestral.timesteps:
        noisy = ancestral.step(oracle(noisy, timestep.expand(1)).sample, timestep, noisy, generator=[stream]).prev_sample
    assert torch.allclose(drawn, noisy, atol=1e-3)


def test_what_is_not_filled_is_kept(inpainting: Settings) -> None:
    drawn = filled(Oracle(), inpainting(), keep=5)
    assert (drawn[..., :5] == 0.5).all()
    assert (drawn[..., 5:] != 0.5).all()


def test_the_noise_of_a_pair_does_not_depend_on_its_batch(inpainting: Settings, stacks: Stacks) -> None:
    """An oracle that works value by value draws the same to the bit."""
    seeds = list(range(7))
    together, alone = (
        inpaint(Oracle(), DDPMScheduler(1000), stacks[0][:7], stacks[1][:7], inpainting(batch_size=size), seeds)  # type: ignore[arg-type]
        for size in (4, 1)
    )
    assert np.array_equal(together[0], alone[0])
    assert np.array_equal(together[1], alone[1])


def test_outside_the_dilated_mask_pairs_stay_theirs_to_the_value(model: tuple, inpainting: Settings, stacks: Stacks) -> None:
    images, masks = inpaint(model[0], model[1], *stacks, inpainting(), list(range(12)))
    assert images.dtype == masks.dtype == np.uint8
    outside = ~dilated(stacks[1], dilation(16, 16))
    assert np.array_equal(images[outside], stacks[0][outside])
    assert not masks[outside].any()
    assert set(np.unique(masks)) == {0, 255}
    inside = ~outside
    assert (images[inside] != stacks[0][inside]).mean() > 0.5


def test_a_trained_model_paints_a_disc_and_its_mask(model: tuple, inpainting: Settings, stacks: Stacks) -> None:
    images, masks = inpaint(model[0], model[1], *stacks, inpainting(respacing=20, jump_length=5), list(range(12)))
    assert images[masks == 255].mean() > images[masks == 0].mean() + 50


def test_samples_of_a_pair_differ(model: tuple, inpainting: Settings, stacks: Stacks) -> None:
    first = [np.repeat(stack[:1], 2, axis=0) for stack in stacks]
    images, _ = inpaint(model[0], model[1], *first, inpainting(), [1, 2])
    assert not np.array_equal(images[0], images[1])


def test_the_dilation_is_scaled_and_round() -> None:
    assert [dilation(side, 20) for side in (256, 64, 32, 512)] == [20, 5, 2, 40]
    mask = np.zeros((2, 1, 11, 11), dtype=np.uint8)
    mask[0, 0, 5, 5] = 255
    wide = dilated(mask, 3)
    rows, columns = np.nonzero(wide[0, 0])
    assert len(rows) == 29
    assert max((rows - 5) ** 2 + (columns - 5) ** 2) == 9
    assert not wide[1].any()
    assert np.array_equal(dilated(mask, 0), mask > 0)


def test_pairs_without_a_lesion_are_not_planned(inpainting: Settings, stacks: Stacks) -> None:
    masks = stacks[1][:3].copy()
    masks[1] = 0
    rows = plan(["a", "b", "c"], masks, inpainting(samples=2), Seeds(0), ("inpaint", "diff", 0))
    assert rows[["row", "source_image_id", "sample"]].to_numpy().tolist() == [
        [0, "a", 0],
        [0, "a", 1],
        [2, "c", 0],
        [2, "c", 1],
    ]
    assert rows["seed"].is_unique
    fewer = plan(["c"], masks[2:], inpainting(samples=1), Seeds(0), ("inpaint", "diff", 0))
    assert fewer["seed"][0] == rows["seed"][2]


def test_an_empty_mask_is_refused(inpainting: Settings, stacks: Stacks) -> None:
    masks = stacks[1][:2].copy()
    masks[1] = 0
    with pytest.raises(InputError, match="the mask of pair 1 is empty"):
        inpaint(Oracle(), DDPMScheduler(1000), stacks[0][:2], masks, inpainting(), [0, 1])  # type: ignore[arg-type]


def test_more_steps_than_timesteps_are_refused(inpainting: Settings, stacks: Stacks) -> None:
    with pytest.raises(InputError, match="respacing: is 200; expected at most the 100 timesteps"):
        inpaint(Oracle(), DDPMScheduler(100), *stacks, inpainting(respacing=200), list(range(12)))  # type: ignore[arg-type]


def test_values_that_are_no_numbers_are_refused(inpainting: Settings, stacks: Stacks) -> None:
    with pytest.raises(InputError, match="values that are no numbers"):
        inpaint(Oracle(float("nan")), DDPMScheduler(1000), *stacks, inpainting(), list(range(12)))  # type: ignore[arg-type]
