"""Layers and networks of the GAN against known answers."""

import pytest
import torch
from torch.nn import functional

from synthtrace.generators.gan.discriminator import Discriminator, with_deviation
from synthtrace.generators.gan.generator import StyleGenerator
from synthtrace.generators.gan.layers import Conv, Linear, smooth, upsampled
from synthtrace.generators.gan.synthesis import ModulatedConv


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def small(image_channels: int = 3) -> StyleGenerator:
    return StyleGenerator([16, 16, 8], latent_dim=16, mapping_layers=2, classes=2, image_channels=image_channels, start=4)


def test_demodulation_gives_outputs_of_unit_deviation_whatever_the_style() -> None:
    conv = ModulatedConv(64, 32, 8, 3)
    for strength in (0.1, 30.0):
        out = conv(torch.randn(8, 64, 16, 16), strength * torch.randn(8, 8))
        assert out[..., 1:-1, 1:-1].std().item() == pytest.approx(1.0, rel=0.05)


def test_a_convolution_that_upsamples_doubles_the_side_and_does_to_a_plane_what_a_plain_one_does() -> None:
    plain, up, w = ModulatedConv(4, 6, 8, 3), ModulatedConv(4, 6, 8, 3, upsample=True), torch.randn(2, 8)
    up.load_state_dict(plain.state_dict())
    plane = torch.randn(2, 4, 1, 1).expand(-1, -1, 8, 8)
    doubled = up(plane, w)
    assert doubled.shape == (2, 6, 16, 16)
    wanted = plain(plane, w)[..., 4:5, 4:5].expand(-1, -1, 12, 12)
    torch.testing.assert_close(doubled[..., 2:-2, 2:-2], wanted, rtol=1e-4, atol=1e-5)


def test_modulation_is_what_it_is_on_each_images_own_weights() -> None:
    conv, w, values = ModulatedConv(4, 6, 8, 3), torch.randn(3, 8), torch.randn(3, 4, 5, 5)
    style = conv.style(w)
    for image in range(3):
        weight = conv.weight * conv.scale * style[image][None, :, None, None]
        weight = weight * torch.rsqrt(weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8)
        expected = functional.conv2d(values[image : image + 1], weight, padding=1)
        torch.testing.assert_close(conv(values, w)[image : image + 1], expected, rtol=1e-4, atol=1e-5)


def test_an_equalised_layer_has_unit_weights_and_outputs_and_its_rate_scales_what_a_step_does() -> None:
    layer, slow, conv = Linear(256, 512), Linear(256, 512, rate=0.01), Conv(64, 64, 3)
    values = torch.randn(64, 256)
    for one, deviation in ((layer, 1.0), (slow, 100.0)):
        assert one.weight.std().item() == pytest.approx(deviation, rel=0.05)
        assert one(values).std().item() == pytest.approx(1.0, rel=0.05)
    assert conv.weight.std().item() == pytest.approx(1.0, rel=0.05)
    assert conv(torch.randn(4, 64, 16, 16))[..., 1:-1, 1:-1].std().item() == pytest.approx(1.0, rel=0.05)
    moved = []
    for one in (layer, slow):
        before = one(values).detach()
        with torch.no_grad():
            one.weight += 0.1
        moved.append((one(values) - before).norm().item())
    assert moved[1] == pytest.approx(0.01 * moved[0], rel=1e-3)


def test_resampling_keeps_a_plane_and_upsamples_bilinearly() -> None:
    values = torch.randn(2, 3, 8, 8)
    bilinear = functional.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(upsampled(values)[..., 1:-1, 1:-1], bilinear[..., 1:-1, 1:-1], rtol=1e-4, atol=1e-5)
    halved = smooth(torch.ones(1, 2, 8, 8), padding=1, stride=2)
    assert halved.shape == (1, 2, 4, 4)
    torch.testing.assert_close(halved[..., 1:-1, 1:-1], torch.ones(1, 2, 2, 2))


@pytest.mark.parametrize("image_channels", [1, 3])
def test_images_have_the_side_that_the_channels_reach(image_channels: int) -> None:
    generator = small(image_channels)
    images = generator(torch.randn(3, generator.noise_size), torch.tensor([0, 1, 0]))
    assert images.shape == (3, image_channels, 16, 16)
    assert generator.noise_size == 16 + 4**2 + 2 * 8**2 + 2 * 16**2
    assert Discriminator([16, 16, 8], 2, image_channels, 4)(images, torch.tensor([0, 1, 0])).shape == (3,)


def test_every_part_of_the_noise_and_the_label_change_the_image() -> None:
    generator = small()
    with torch.no_grad():
        for layer in generator.synthesis.layers:
            layer.strength.fill_(0.5)
        noise, label = torch.randn(1, generator.noise_size), torch.tensor([0])
        image = generator(noise, label)
        assert not torch.allclose(generator(noise, torch.tensor([1])), image, atol=1e-3)
        start = 0
        for size in (16, *(side**2 for side in generator.sides)):
            other = noise.clone()
            other[:, start : start + size] = torch.randn(1, size)
            assert not torch.allclose(generator(other, label), image, atol=1e-3)
            start += size
        assert start == generator.noise_size


def test_the_discriminator_sees_the_label_and_equal_images() -> None:
    discriminator, images = Discriminator([16, 16, 8], 2, 3, 4), torch.randn(4, 3, 16, 16)
    logits = [discriminator(images, torch.full((4,), label)) for label in (0, 1)]
    assert (logits[0] - logits[1]).abs().min() > 1e-4
    same = with_deviation(torch.randn(1, 5, 4, 4).expand(4, -1, -1, -1))
    assert same[:, 5].abs().max() < 1e-3
    spread = with_deviation(torch.randn(4, 200, 4, 4))
    # mean deviation of four normal numbers, uncorrected
    assert spread[:, 200].mean().item() == pytest.approx(0.798, rel=0.03)
