"""The standard augmentation: masks stay masks and move with their images."""

import numpy as np
import pytest
import torch
from toy_pairs import discs

from synthtrace.segment.augment import control, equalised

PAIRS = discs(64, "real", 0, channels=3)
MASKS = torch.from_numpy(PAIRS.masks).float() / 255


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_masks_stay_binary_and_images_in_range() -> None:
    images, masks = control(torch.from_numpy(PAIRS.images).float(), MASKS, noise())
    assert ((masks == 0) | (masks == 1)).all()
    assert images.shape == (64, 3, 32, 32)
    assert 0 <= images.min() < images.max() <= 255
    assert not torch.equal(masks, MASKS)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_mask_moves_with_its_image(channels: int) -> None:
    """An image that is its own mask must still be it when both are moved, whatever happens to tones."""
    images, masks = control(255 * MASKS.expand(-1, channels, -1, -1), MASKS, noise())
    inside = images.mean(dim=1, keepdim=True) > 100
    differ = (inside != (masks > 0)).float().mean(dim=(1, 2, 3))
    assert differ.max() < 0.03, "but for pixels of the edge"
    assert (masks.mean(dim=(1, 2, 3)) - MASKS.mean(dim=(1, 2, 3))).abs().max() > 0.05, "sizes change"


def test_the_noise_decides_and_nothing_else() -> None:
    images = torch.from_numpy(PAIRS.images).float()
    torch.manual_seed(0)
    first = control(images, MASKS, noise())
    torch.manual_seed(1)
    again, other = control(images, MASKS, noise()), control(images, MASKS, noise(1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[1], other[1])
    assert torch.equal(images, torch.from_numpy(PAIRS.images).float()), "the images given are left as they were"


@pytest.mark.parametrize("channels", [1, 3])
def test_equalisation_raises_the_contrast_of_a_faint_image_and_leaves_an_even_one(channels: int) -> None:
    faint = 100 + torch.from_numpy(np.random.default_rng(0).random((1, 64, 64))).float().expand(channels, -1, -1) * 20
    assert equalised(faint, 2.0).std() > 2 * faint.std()
    even = torch.full((channels, 64, 64), 7.0)
    assert torch.equal(equalised(even, 2.0), even)
