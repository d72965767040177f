from collections.abc import Callable

import pytest
import torch

from synthtrace.errors import InputError
from synthtrace.generators.singan.network import PairGenerator, initialise
from synthtrace.generators.singan.scale import gradient_penalty


def error(model: PairGenerator, pair: torch.Tensor) -> float:
    return float((model.drawn(model.fixed_noises(len(model.shapes)))[0] - pair).square().mean().sqrt())


def test_the_fixed_noise_reconstructs_the_pair_after_training_and_not_before(
    trained: Callable, model: PairGenerator, pair: torch.Tensor
) -> None:
    untrained = trained(steps=1, learning_rate=1e-6)[0]
    assert error(untrained, pair) > 0.5
    assert error(model, pair) < error(untrained, pair) / 3


def test_the_drawn_mask_lies_where_the_drawn_image_is_bright(model: PairGenerator) -> None:
    noise = torch.randn(16, model.noise_size, generator=torch.Generator().manual_seed(0))
    image, mask = model(noise).unbind(dim=1)
    assert torch.corrcoef(torch.stack([image.flatten(), mask.flatten()]))[0, 1] > 0.8


def test_a_training_records_its_only_pair_its_steps_and_its_error(trained: Callable, pair: torch.Tensor) -> None:
    model, fitted, tracker = trained(image_id="scan-9", steps=5)
    assert fitted.image_ids == {"scan-9"}
    assert fitted.steps == 3 * 5
    assert fitted.card == {"sides": [8, 11, 16]}
    losses, rates = tracker.curves["scan-9"]
    assert len(losses) == 15
    assert rates == pytest.approx([0.002] * 4 + [0.0002] + [0.002] * 4 + [0.0002] + [0.002] * 4 + [0.0002])
    # the error was measured in the last step, whose update was not in it yet
    assert fitted.losses["reconstruction"] == pytest.approx(error(model, pair), abs=0.05)


def test_finer_scales_have_noise_in_proportion_to_what_is_left_to_reconstruct(trained: Callable, pair: torch.Tensor) -> None:
    one, _, _ = trained(steps=3)
    twice, _, _ = trained(steps=3, noise_weight=0.2, learning_rate=0.002)
    assert one.amplitudes[0] == twice.amplitudes[0] == 1
    # up to the second scale, where noise of the two trainings comes to differ, all else is the same
    assert twice.amplitudes[1] == pytest.approx(2 * one.amplitudes[1].item(), rel=1e-6)
    assert 0 < one.amplitudes[1] < 0.1


def test_a_scale_starts_from_the_coarser_ones_weights(trained: Callable) -> None:
    still = trained(steps=1, learning_rate=1e-7)[0]
    first, second, third = (one.convolutions[0].weight for one in still.generators)
    assert torch.allclose(first, second, atol=1e-5)
    assert torch.allclose(first, third, atol=1e-5)


def test_the_same_pair_and_seed_train_the_same_model_whatever_was_drawn_before(trained: Callable) -> None:
    one = trained(steps=3)[0].state_dict()
    torch.randn(5)
    other = trained(steps=3)[0].state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    elsewhere = trained(image_id="scan-2", steps=3)[0].state_dict()
    assert not torch.equal(one["fixed_noise"], elsewhere["fixed_noise"])


def test_a_colour_pair_has_four_channels(trained: Callable, pair: torch.Tensor) -> None:
    model, _, _ = trained(of=pair[[0, 0, 0, 1]], steps=1)
    assert model(torch.randn(1, model.noise_size)).shape == (1, 4, 16, 16)


def test_a_loss_that_is_no_number_stops_the_training_and_names_it(trained: Callable, pair: torch.Tensor) -> None:
    broken = pair.clone()
    broken[0, 3, 3] = torch.nan
    with pytest.raises(InputError, match=r"train_generator gan 0 scan-1 scale 0: the loss is nan at step 0"):
        trained(of=broken)


def test_a_loss_that_explodes_stops_the_training(trained: Callable) -> None:
    with pytest.raises(InputError, match=r"scan-1 scale 0: the loss has exploded, to -?[\d.e+]+ at step"):
        trained(learning_rate=1.0, penalty_weight=0.0, reconstruction_weight=0.0, steps=400)


def test_a_pair_smaller_than_the_coarsest_scale_is_refused(trained: Callable, pair: torch.Tensor) -> None:
    with pytest.raises(InputError, match="min_side: is 8; expected at most 6"):
        trained(of=pair[:, :6, :6])


def test_the_gradient_penalty_is_nought_for_a_slope_of_one_and_four_for_a_slope_of_three() -> None:
    slope = torch.nn.Conv2d(2, 1, 1, bias=False)
    for weights, penalty in [((0.6, 0.8), 0.0), ((1.8, -2.4), 4.0)]:
        slope.weight.data = torch.tensor(weights).reshape(1, 2, 1, 1)
        for side in (3, 6):
            assert gradient_penalty(slope, torch.rand(1, 2, side, side)).item() == pytest.approx(penalty, abs=1e-6)


def test_a_step_updates_as_often_as_inner_steps_says(trained: Callable) -> None:
    rate = 1e-5
    steps = [
        (model.generators[0].convolutions[0].weight - start.generators[0].convolutions[0].weight).abs().max().item()
        for start in [trained(steps=1, learning_rate=1e-9)[0]]
        for model in [trained(steps=1, learning_rate=rate, inner_steps=inner)[0] for inner in (1, 3)]
    ]
    # Adam's steps are about as long as its learning rate, here a tenth of it: the only step is the last
    assert steps == pytest.approx([0.1 * rate, 0.3 * rate], rel=0.3)


def test_weights_are_drawn_from_their_stream_alone() -> None:
    one, other = (PairGenerator(2, [8], [4], 3) for _ in range(2))
    for model in (one, other):
        initialise(model, torch.Generator().manual_seed(1))
    assert all(torch.equal(first, second) for first, second in zip(one.parameters(), other.parameters(), strict=True))
