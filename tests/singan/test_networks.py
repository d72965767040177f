import pytest
import torch

from synthtrace.generators.singan.network import PairGenerator, ScaleGenerator, convolutions, initialise
from synthtrace.generators.singan.pyramid import pyramid, resized


def stream() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_a_pyramid_keeps_flat_pairs_and_means_and_ends_with_the_pair_itself(pair: torch.Tensor) -> None:
    flat = pyramid(torch.full((2, 16, 16), 0.25), [8, 11, 16])
    assert [tuple(one.shape) for one in flat] == [(1, 2, side, side) for side in (8, 11, 16)]
    assert all(torch.allclose(one, torch.tensor(0.25)) for one in flat)
    coarse, _, finest = pyramid(pair, [8, 11, 16])
    assert torch.equal(finest[0], pair)
    assert torch.allclose(coarse.mean(dim=(2, 3)), finest.mean(dim=(2, 3)), atol=0.02)
    assert coarse.abs().max() <= 1


def test_making_larger_keeps_a_slope() -> None:
    slope = torch.arange(8.0).repeat(1, 1, 8, 1)
    inner = resized(slope, 16)[0, 0, 8, 4:12]
    assert torch.allclose(inner.diff(), torch.full((7,), 0.5), atol=1e-5)


def test_an_output_of_the_discriminator_sees_a_patch_of_eleven_pixels_with_the_sources_five_layers() -> None:
    network = torch.nn.Sequential(*[one for one in convolutions(2, 1, 4, 5) if not isinstance(one, torch.nn.InstanceNorm2d)])
    images = torch.randn(1, 2, 25, 25, generator=stream(), requires_grad=True)
    judged = network(images)
    assert judged.shape == (1, 1, 15, 15)
    judged[0, 0, 7, 7].backward()
    seen = images.grad.abs().sum(dim=(0, 1)) > 0
    assert seen.nonzero().min(dim=0).values.tolist() == [7, 7]
    assert seen.nonzero().max(dim=0).values.tolist() == [17, 17]


def test_a_pair_in_a_batch_is_judged_as_it_is_alone() -> None:
    network = convolutions(2, 1, 4, 3)
    initialise(network, stream())
    images = torch.randn(3, 2, 9, 9, generator=stream())
    assert torch.allclose(network(images)[1:2], network(images[1:2]), atol=1e-6)


def test_a_scale_adds_to_the_coarser_image_and_starts_close_to_it() -> None:
    generator = ScaleGenerator(2, 8, 3)
    initialise(generator, stream())
    below = torch.randn(1, 2, 9, 9, generator=stream())
    drawn = generator(torch.zeros_like(below), below)
    assert (drawn - below).abs().max() < 1
    assert 0 < (drawn - below).abs().mean() < 0.5


def test_noise_is_split_into_one_map_and_then_the_maps_of_all_channels() -> None:
    model = PairGenerator(2, [8, 11], [4, 4], 3)
    initialise(model, stream())
    assert model.noise_size == 64 + 2 * 121
    noise = torch.randn(1, model.noise_size, generator=stream())
    parts = [noise[:, :64].reshape(1, 1, 8, 8), noise[:, 64:].reshape(1, 2, 11, 11)]
    assert torch.equal(model(noise), model.drawn(parts))
    assert model.drawn(parts[:1]).shape == (1, 2, 8, 8)


@pytest.mark.parametrize("scale", [0, 1])
def test_noise_is_as_strong_as_the_amplitude_of_its_scale(scale: int) -> None:
    model = PairGenerator(2, [8, 11], [4, 4], 3)
    initialise(model, stream())
    model.amplitudes[scale] = 0
    parts = [torch.randn(1, *shape, generator=stream()) for shape in model.shapes]
    other = [part + (number == scale) for number, part in enumerate(parts)]
    assert torch.equal(model.drawn(parts), model.drawn(other))
    model.amplitudes[scale] = 1
    assert not torch.equal(model.drawn(parts), model.drawn(other))
