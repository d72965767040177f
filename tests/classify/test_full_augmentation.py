"""Augmentation on the fly: which alterations happen, how often, and what they leave as it is."""

import numpy as np
import pytest
import torch
from torchvision.transforms import functional as reference
from toy_fold import CPU, recipe, toy_fold, toy_params

from synthtrace.classify import augment
from synthtrace.classify.augment import AUGMENTATIONS, full
from synthtrace.classify.grid import train_grid


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def colour(count: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(count, 3, 12, 12, generator=noise(seed)) * 255


def test_the_same_seed_alters_alike_and_another_one_otherwise() -> None:
    batch = colour(6)
    assert torch.equal(full(batch, noise()), full(batch, noise()))
    assert not torch.equal(full(batch, noise()), full(batch, noise(2)))


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_levels_stay_within_0_to_255_and_images_in_their_order(channels: int) -> None:
    checks = (torch.rand(40, channels, 8, 8, generator=noise(1)) < 0.5).float() * 255
    altered = full(checks, noise())
    assert altered.shape == checks.shape
    assert altered.min() >= 0
    assert altered.max() <= 255
    levels = torch.linspace(10, 200, 40)
    plain = full(levels[:, None, None, None].expand(40, channels, 8, 8), noise()).mean(dim=(1, 2, 3))
    assert ((plain / levels - 1).abs() <= augment.JITTER + 1e-5).all()


def test_half_of_the_images_are_each_symmetry_of_the_square_equally_often_and_lose_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(augment, "JITTER", 0.0)
    image = colour(1)
    symmetries = [turned.rot90(k, (-2, -1)) for k in range(4) for turned in (image, image.flip(-1))]
    altered = full(image.expand(4000, -1, -1, -1), noise())
    shares = [((altered - one).abs().amax(dim=(1, 2, 3)) < 0.01).float().mean().item() for one in symmetries]
    np.testing.assert_allclose(shares, 1 / 16, atol=0.02)
    assert sum(shares) == pytest.approx(0.5, abs=0.03)


def test_rotation_keeps_the_middle_in_the_middle_and_leaves_no_empty_corners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "JITTER", 0.0)
    image = torch.full((50, 1, 21, 21), 60.0)
    image[:, :, 9:12, 9:12] = 200.0
    altered = full(image, noise())
    assert torch.allclose(altered[:, 0, 10, 10], torch.tensor(200.0), atol=0.01)
    assert torch.allclose(altered[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]], torch.tensor(60.0), atol=0.01)
    assert (altered - image).abs().amax(dim=(1, 2, 3)).max() > 20


@pytest.mark.parametrize("channels", [1, 3])
def test_jitter_is_that_of_torchvision(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "_moved", lambda batch, *_: batch)
    batch = colour(300)[:, :channels]
    altered = full(batch, noise())
    factors = 0.8 + 0.4 * torch.rand(7, 300, generator=noise())[4:]
    for image, result, (bright, contrast, saturation) in zip(batch, altered, factors.T.tolist(), strict=True):
        expected = reference.adjust_contrast(reference.adjust_brightness(image / 255, bright), contrast)
        if channels == 3:
            expected = reference.adjust_saturation(expected, saturation)
        torch.testing.assert_close(result / 255, expected, atol=1e-3, rtol=0)
    assert factors.min() < 0.81
    assert factors.max() > 1.19


def test_a_training_is_augmented_as_its_recipe_says() -> None:
    torch.set_num_threads(1)
    found = {
        name: next(iter(train_grid([toy_fold()], [recipe(seeds=1, augmentation=name)], toy_params(), CPU)))
        for name in AUGMENTATIONS
    }
    first = [found[name].losses[0] for name in ("none", "flip", "full")]
    assert len(set(first)) == 3
    again = next(iter(train_grid([toy_fold()], [recipe(seeds=1, augmentation="full")], toy_params(), CPU)))
    assert again.losses == found["full"].losses
