"""SHAP values: known ones of a linear model, and a sum that comes nearer to what it should be with samples."""

import numpy as np
import pytest
import torch
from torch import nn

from synthtrace import backbones, compute
from synthtrace.explain.shap_values import Margin, explain


class Linear(nn.Module):
    """Logits that are a linear function of the pixels."""

    def __init__(self, classes: int, channels: int, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, channels * side * side, generator=compute.generator(0)))
        self.register_buffer("image_mean", torch.full((1, channels, 1, 1), 0.3))
        self.register_buffer("image_std", torch.full((1, channels, 1, 1), 0.2))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self.weight.T


def pictures(count: int, channels: int, side: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, channels, side, side), dtype=np.uint8)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    compute.seed_everything(0)
    model = backbones.create("test_resnet", 2, 1)
    backbones.standardise(model, pictures(20, 1, 32, 0))
    return model.eval()


@pytest.mark.parametrize("channels", [1, 3])
def test_values_of_a_linear_model_are_weight_times_distance_from_the_mean_background(channels: int) -> None:
    model = Linear(2, channels, 4).eval()
    image, background = pictures(1, channels, 4, 1)[0], pictures(5, channels, 4, 2)
    found = explain(Margin(model, 1), image, background, samples=10, seed=3)
    weight = (model.weight[1] - model.weight[0]).detach().numpy().reshape(channels, 4, 4)
    expected = weight / (255 * 0.2) * (image - background.mean(axis=0))
    assert found.values.dtype == np.float32
    assert np.allclose(found.values, expected, rtol=1e-4, atol=1e-5)
    assert found.values.sum() == pytest.approx(found.margin - found.expected, abs=1e-4)


def test_the_margin_is_a_logit_less_the_mean_of_the_others() -> None:
    model = Linear(3, 1, 4)
    images = torch.from_numpy(pictures(2, 1, 4, 4)).float()
    logits = model(backbones.normalise(model, images))
    expected = logits[:, 2] - (logits[:, 0] + logits[:, 1]) / 2
    assert torch.allclose(Margin(model, 2)(images)[:, 0], expected, atol=1e-4)


def test_the_additivity_error_of_a_network_falls_with_samples(network: nn.Module) -> None:
    background = pictures(4, 1, 32, 5)
    errors = {}
    for samples in (4, 400):
        found = [explain(Margin(network, 1), image, background, samples, seed=0) for image in pictures(4, 1, 32, 6) // 2]
        errors[samples] = np.mean([abs(one.values.sum() - (one.margin - one.expected)) for one in found])
    assert errors[400] < errors[4] / 3


def test_the_same_seed_gives_the_same_bytes_and_leaves_global_randomness_alone(network: nn.Module) -> None:
    image, background = pictures(1, 1, 32, 7)[0], pictures(3, 1, 32, 8)
    np.random.seed(11)
    torch.manual_seed(11)
    untouched = (np.random.get_state()[1].copy(), torch.get_rng_state())
    first = explain(Margin(network, 1), image, background, samples=6, seed=1)
    assert np.array_equal(np.random.get_state()[1], untouched[0])
    assert torch.equal(torch.get_rng_state(), untouched[1])
    np.random.seed(12)
    second, other = (explain(Margin(network, 1), image, background, samples=6, seed=seed) for seed in (1, 2))
    assert first.values.tobytes() == second.values.tobytes()
    assert first.values.tobytes() != other.values.tobytes()
