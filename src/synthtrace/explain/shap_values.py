"""SHAP values by expected gradients: shap's GradientExplainer on a classifier's logit margin."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from shap import GradientExplainer
from torch import nn

from synthtrace import backbones


class Margin(nn.Module):
    """The logit of one class minus the mean of the others', (N, 1), of float pixels (N, C, H, W) in 0..255.

    With two classes it is the log-odds of that class. `backbones.normalise` is a part of the function.
    """

    def __init__(self, model: nn.Module, label: int) -> None:
        super().__init__()
        self.model = model
        self.label = label

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Margins of a batch."""
        logits = self.model(backbones.normalise(self.model, pixels))
        own = logits[:, self.label : self.label + 1]
        others = logits.sum(dim=1, keepdim=True) - own
        return own - others / (logits.shape[1] - 1)


@dataclass(frozen=True)
class Explanation:
    """Of one image: `values` float32 (C, H, W), its own `margin`, and the `expected` one: the background's mean."""

    values: np.ndarray
    margin: float
    expected: float


def explain(margin: Margin, image: np.ndarray, background: np.ndarray, samples: int, seed: int) -> Explanation:
    """Explain one uint8 image (C, H, W) against background images (B, C, H, W).

    Values sum to the image's margin less the expected one, up to an error that falls with `samples` (Erion et al. 2021). Each
    background image stands equally often, `samples_each` times, so that only the place between it and the image is left to
    chance: shap alone would draw the background too, and even a linear model's values would be noisy.

    Args:
        margin: the function to explain, in evaluation mode.
        image: the image.
        background: the images that stand for no information.
        samples: gradients an image, rounded up to a multiple of the background's images.
        seed: of the image's own noise, any non-negative integer.
    """
    device = next(margin.buffers()).device
    pixels = torch.from_numpy(np.concatenate([image[None], background])).to(device).float()
    with torch.no_grad():
        margins = margin(pixels)[:, 0].double().cpu().numpy()
    each = samples_each(samples, len(background))
    total = np.zeros(image.shape)
    with _numpy_state_kept():
        for number, row in enumerate(np.random.SeedSequence(seed).generate_state(len(background))):
            explainer = GradientExplainer(margin, pixels[1 + number : 2 + number])
            # an axis of outputs at the end comes and goes with shap's versions; there is one output
            total += np.reshape(explainer.shap_values(pixels[:1], nsamples=each, rseed=int(row)), image.shape)
    return Explanation((total / len(background)).astype(np.float32), float(margins[0]), float(margins[1:].mean()))


def samples_each(samples: int, background: int) -> int:
    """Gradients of one image against each of `background` images, for `samples` in all or a few more."""
    return math.ceil(samples / background)


@contextlib.contextmanager
def _numpy_state_kept() -> Iterator[None]:
    """Shap seeds numpy's global generator: put its state back afterwards."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)
