"""Every term of the loss has the value that its definition gives by hand."""

import math

import pytest
import torch

from synthtrace import compute
from synthtrace.generators.style import losses


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=compute.generator(0))


def test_squared_and_perceptual_are_zero_for_equal_inputs_and_known_for_shifted_ones() -> None:
    images = noise(3, 2, 8, 8)
    maps = [images, noise(3, 5, 4, 4)]
    assert torch.equal(losses.squared(images, images), torch.zeros(3))
    shifted = images + torch.tensor([0.0, 1, 2]).view(3, 1, 1, 1)
    assert torch.allclose(losses.squared(shifted, images), torch.tensor([0.0, 1, 4]))
    assert torch.equal(losses.perceptual(maps, maps), torch.zeros(3))
    assert torch.allclose(losses.perceptual([maps[0] + 1, maps[1] - 2], maps), torch.full((3,), 5.0))


def test_divergence_is_zero_for_equal_tokens_and_falls_as_they_part() -> None:
    tokens = noise(2, 4)
    assert torch.equal(losses.divergence(tokens, tokens), torch.zeros(2))
    assert torch.allclose(losses.divergence(tokens + 3, tokens), torch.full((2,), -9.0))


def test_range_is_zero_within_and_the_squared_excess_without() -> None:
    images = torch.tensor([-1.0, 0.3, 1.0, 0.0]).view(1, 1, 2, 2)
    beyond = torch.tensor([-3.0, 0.0, 0.0, 1.5]).view(1, 1, 2, 2)
    assert torch.allclose(losses.out_of_range(torch.cat([images, beyond])), torch.tensor([0.0, (4 + 0.25) / 4]))


def orthogonal() -> torch.Tensor:
    """Features (1, 4, 2, 2) whose four patches are orthogonal."""
    return torch.eye(4).view(1, 4, 2, 2)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_contrastive_of_equal_maps_with_orthogonal_patches_is_the_known_value(temperature: float) -> None:
    places = [torch.tensor([[2, 0, 3]])]
    found = losses.contrastive([5 * orthogonal()], [orthogonal()], places, temperature)
    assert found.item() == pytest.approx(math.log(1 + 2 * math.exp(-1 / temperature)))


def test_contrastive_of_patches_that_are_all_equal_is_the_logarithm_of_their_number() -> None:
    same = torch.ones(1, 4, 2, 2)
    found = losses.contrastive([same, same], [same, same], [torch.arange(4).view(1, 4), torch.tensor([[0, 3]])], 0.07)
    assert found.item() == pytest.approx(math.log(4) + math.log(2), abs=1e-5)


def test_contrastive_punishes_swapped_patches_and_keeps_images_apart() -> None:
    maps, places = orthogonal(), torch.arange(4).view(1, 4)
    swapped = maps.flatten(2)[:, :, [1, 0, 2, 3]].view(1, 4, 2, 2)
    alone = [losses.contrastive([one], [maps], [places], 0.1) for one in (maps, swapped)]
    together = losses.contrastive([torch.cat([maps, swapped])], [maps.repeat(2, 1, 1, 1)], [places.repeat(2, 1)], 0.1)
    assert alone[0] < 0.01 < 4 < alone[1]
    assert torch.allclose(together, torch.cat(alone))
