"""Adaptive discriminator augmentation: what it does to images, and how its probability moves."""

import pytest
import torch

from synthtrace import compute
from synthtrace.generators.gan import augment
from synthtrace.generators.gan.augment import AdaptiveProbability, augmented
from synthtrace.generators.gan.generator import StyleGenerator


def noise_images(count: int, channels: int) -> torch.Tensor:
    return torch.rand((count, channels, 16, 16), generator=compute.generator(1)) * 2 - 1


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No augmentation but flips, quarter turns and hue."""
    for name in ("SCALE", "CONTRAST", "SATURATION", "BRIGHTNESS", "SHIFT"):
        monkeypatch.setattr(augment, name, 0.0)
    return monkeypatch


@pytest.mark.parametrize("channels", [1, 3])
def test_at_probability_0_images_stay_and_at_1_each_changes(channels: int) -> None:
    images = noise_images(32, channels)
    assert torch.equal(augmented(images, 0.0, compute.generator(0)), images)
    changed = augmented(images, 1.0, compute.generator(0))
    assert ((changed - images).abs().mean(dim=(1, 2, 3)) > 0.01).all()
    assert torch.equal(changed, augmented(images, 1.0, compute.generator(0)))


def test_an_image_for_which_nothing_is_on_stays() -> None:
    images = noise_images(64, 3)
    changed = (augmented(images, 0.02, compute.generator(0)) - images).abs().amax(dim=(1, 2, 3)) > 1e-4
    assert 0 < changed.sum() < 32


def test_flips_and_turns_are_the_eight_symmetries_of_a_square(plain: pytest.MonkeyPatch) -> None:
    image = noise_images(1, 1)
    turned = [torch.rot90(one, turns, (2, 3)) for one in (image, image.flip(3)) for turns in range(4)]
    found = set()
    for one in augmented(image.expand(100, -1, -1, -1), 1.0, compute.generator(0)):
        near = [number for number, other in enumerate(turned) if torch.allclose(one, other[0], atol=1e-4)]
        assert len(near) == 1
        found.add(near[0])
    assert found == set(range(8))


def test_translation_is_by_whole_pixels_up_to_an_eighth_of_the_side(plain: pytest.MonkeyPatch) -> None:
    plain.setattr(augment, "SHIFT", 0.125)
    image = torch.full((1, 1, 16, 16), -1.0)
    image[..., 7, 7] = 1.0
    moved = augmented(image.expand(200, -1, -1, -1), 1.0, compute.generator(0))
    assert torch.allclose(moved.amax(dim=(1, 2, 3)), torch.ones(200), atol=1e-4)
    rows = {int(one.argmax()) // 16 for one in moved}
    # flips and turns put the pixel into row 7 or 8, from there it moves by at most 2
    assert rows == set(range(5, 11))


def test_hue_and_saturation_keep_the_grey_of_a_pixel_and_brightness_adds_to_it(plain: pytest.MonkeyPatch) -> None:
    plain.setattr(augment, "SATURATION", 1.0)
    images = torch.rand(16, 3, 1, 1, generator=compute.generator(0)).expand(-1, -1, 16, 16) * 2 - 1
    changed = augmented(images, 1.0, compute.generator(0))
    assert (changed - images).abs().amax(dim=(1, 2, 3)).min() > 0.01
    torch.testing.assert_close(changed.mean(dim=1), images.mean(dim=1), rtol=0, atol=1e-4)
    plain.setattr(augment, "BRIGHTNESS", 0.2)
    added = augmented(images, 1.0, compute.generator(0)).mean(dim=1) - images.mean(dim=1)
    torch.testing.assert_close(added, added[:, :1, :1].expand_as(added), rtol=0, atol=1e-4)
    assert added[:, 0, 0].std().item() == pytest.approx(0.2, rel=0.4)


def test_gradients_flow_through_augmentation_to_every_part_of_the_generator() -> None:
    torch.manual_seed(0)
    generator = StyleGenerator([8, 8, 8], latent_dim=8, mapping_layers=2, classes=2, image_channels=3, start=4)
    drawn = generator(torch.randn(4, generator.noise_size), torch.tensor([0, 1, 0, 1]))
    augmented(drawn, 1.0, compute.generator(0)).square().mean().backward()
    for name, weights in generator.named_parameters():
        assert weights.grad is not None, name
        assert weights.grad.abs().max() > 0, name


def test_the_probability_rises_above_the_target_and_falls_below_it_at_its_speed() -> None:
    adaptive = AdaptiveProbability(target=0.6, images=640)
    real, drawn = torch.ones(16), -torch.ones(16)
    for _ in range(3):
        adaptive.see(real)
    assert adaptive.value == 0
    adaptive.see(real)
    assert adaptive.sign == 1.0
    assert adaptive.value == pytest.approx(0.1)
    for logits in (real, real, real, drawn):
        adaptive.see(logits)
    assert adaptive.sign == 0.5
    assert adaptive.value == pytest.approx(0.0)
    for _ in range(4):
        adaptive.see(drawn)
    assert adaptive.value == 0


def test_the_probability_stays_where_augmentations_do_not_leak() -> None:
    adaptive = AdaptiveProbability(target=0.6, images=64)
    for _ in range(8):
        adaptive.see(torch.ones(16))
    assert adaptive.value == augment.STRONGEST
