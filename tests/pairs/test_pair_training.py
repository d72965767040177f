"""Training of a small model, its checkpoint, and whole pairs drawn from it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler

from synthtrace.errors import InputError
from synthtrace.generators.pairs import network
from synthtrace.generators.pairs.sampling import sample
from synthtrace.generators.pairs.stacks import joined, parted
from synthtrace.generators.pairs.training import train_pairs
from synthtrace.params.pairs import PairDiffusion
from synthtrace.seeds import Seeds

Settings = Callable[..., PairDiffusion]


@pytest.mark.parametrize("learned", [True, False])
def test_a_learned_variance_doubles_the_output_channels(settings: Settings, learned: bool) -> None:
    unet = network.build(settings(learned_variance=learned), 3, 16)
    output = unet(torch.zeros(2, 4, 16, 16), torch.tensor([0, 999])).sample
    assert output.shape == (2, 8 if learned else 4, 16, 16)


def test_levels_attend_at_the_sides_that_are_named(settings: Settings) -> None:
    unet = network.build(settings(channels=[8, 8, 16], attention=[8]), 1, 16)
    assert unet.config["down_block_types"] == ("ResnetDownsampleBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D")
    assert unet.config["up_block_types"] == ("ResnetUpsampleBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D")


def test_the_linear_schedule_is_stretched_over_the_timesteps(settings: Settings) -> None:
    """Half as many timesteps end with as little of the pair (Nichol and Dhariwal 2021)."""
    ends = [network.noising(settings(train_timesteps=count)).alphas_cumprod[-1].item() for count in (500, 1000)]
    assert ends[0] == pytest.approx(ends[1], rel=0.2)
    assert ends[1] == pytest.approx(4.04e-5, rel=0.01)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_an_output_stands_for_the_clean_pair(settings: Settings, prediction_type: str) -> None:
    scheduler = network.noising(settings(prediction_type=prediction_type))
    pairs, noise = torch.rand(2, 2, 4, 4) * 2 - 1, torch.randn(2, 2, 4, 4)
    timesteps = torch.tensor([3, 700])
    noisy = scheduler.add_noise(pairs, noise, timesteps)
    truth = noise if prediction_type == "epsilon" else scheduler.get_velocity(pairs, noise, timesteps)
    clean, variance = network.denoised(scheduler, torch.cat([truth, noise], dim=1), noisy, timesteps)
    assert torch.allclose(clean, pairs, atol=1e-4)
    assert variance is not None
    assert torch.equal(variance, noise)
    assert network.denoised(scheduler, truth, noisy, timesteps)[1] is None


def test_training_lowers_the_loss_and_notes_what_it_saw(model: tuple) -> None:
    losses = model[2].losses
    assert len(losses) == 250
    assert np.mean(losses[-20:]) < 0.25 * np.mean(losses[:10])
    assert model[2].seen.image_ids == {f"i{row:02d}" for row in range(12)}


@pytest.mark.parametrize(
    "other", [{"learned_variance": False}, {"prediction_type": "v_prediction", "noise_schedule": "cosine", "dropout": 0.1}]
)
def test_every_kind_of_model_trains_and_draws(train: Callable, settings: Settings, other: dict) -> None:
    unet, scheduler, recorder = train(settings(steps=60, learning_rate=5e-3, channels=[8, 16], **other))
    assert np.mean(recorder.losses[-20:]) < 0.75 * np.mean(recorder.losses[:10])
    assert sample(unet, scheduler, 5, [1, 2]).isfinite().all()


def test_a_training_can_be_repeated(train: Callable, settings: Settings) -> None:
    first, again = (train(settings(steps=3)) for _ in range(2))
    assert first[2].losses == again[2].losses
    for one, other in zip(first[0].parameters(), again[0].parameters(), strict=True):
        assert torch.equal(one, other)


def test_weights_are_averaged(train: Callable, settings: Settings) -> None:
    """With a decay of 0 the average is the last step's weights; otherwise it lags."""
    last, lagging = (train(settings(steps=5, ema_decay=decay))[0].conv_out.weight for decay in (0.0, 0.999))
    assert not torch.equal(last, lagging)


def test_drawn_pairs_look_like_the_training(model: tuple) -> None:
    """Discs are bright, grounds dark, and the drawn mask knows which is which."""
    images, masks = parted(sample(model[0], model[1], 50, list(range(8))))
    assert images.shape == masks.shape == (8, 1, 16, 16)
    assert set(np.unique(masks)) == {0, 255}
    assert images[masks == 255].mean() > images[masks == 0].mean() + 50


def test_the_noise_of_a_drawn_pair_does_not_depend_on_its_batch(model: tuple) -> None:
    together = sample(model[0], model[1], 5, [7, 8, 9])
    alone = torch.cat([sample(model[0], model[1], 5, [seed]) for seed in (7, 8, 9)])
    assert torch.allclose(together, alone, atol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=0.1)


def test_a_checkpoint_draws_what_the_model_drew(model: tuple, tmp_path: Path) -> None:
    network.save(model[0], model[1], tmp_path)
    unet, scheduler = network.load(tmp_path, torch.device("cpu"))
    assert isinstance(scheduler, DDPMScheduler)
    assert torch.equal(sample(unet, scheduler, 3, [1]), sample(model[0], model[1], 3, [1]))


def test_stacks_survive_being_joined_and_parted(stacks: tuple[np.ndarray, np.ndarray]) -> None:
    pairs = joined(*stacks)
    assert pairs.shape == (12, 2, 16, 16)
    assert (pairs.min().item(), pairs.max().item()) == (-1.0, 1.0)
    for one, other in zip(parted(pairs), stacks, strict=True):
        assert np.array_equal(one, other)


def test_masks_of_other_values_are_refused(stacks: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(InputError, match="a mask holds 1; expected 0"):
        joined(stacks[0], stacks[1] // 255)


def test_stacks_that_do_not_fit_are_refused(stacks: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(InputError, match="expected uint8 images"):
        joined(stacks[0], stacks[1][:3])


def test_training_without_pairs_is_refused(settings: Settings, tracker: Any) -> None:
    with pytest.raises(InputError, match="diff 3: expected pairs to train on"):
        train_pairs(torch.zeros(0, 2, 16, 16), [], settings(), Seeds(0), ("diff", 3), torch.device("cpu"), "float32", tracker)


def test_a_training_whose_loss_is_no_number_is_named(settings: Settings, tracker: Any) -> None:
    pairs, ids = torch.full((2, 2, 16, 16), float("nan")), ["a", "b"]
    with pytest.raises(InputError, match="diff 3: the loss is nan at step 0"):
        train_pairs(pairs, ids, settings(), Seeds(0), ("diff", 3), torch.device("cpu"), "float32", tracker)
