"""What a network is fed: whole images where nothing is frozen, else the activations of its frozen trunk."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from synthtrace import backbones
from synthtrace.classify.freezing import cut
from synthtrace.classify.recipes import Recipe
from synthtrace.classify.trunk import Trunk


@dataclass(frozen=True)
class Fed:
    """A model, the part of it that is trained, what that part is fed, and the model's probabilities of the test images.

    `draw` makes batches of positions in the training images; `predict` is asked when training is over.
    """

    model: nn.Module
    network: nn.Module
    draw: backbones.Draw
    predict: Callable[[], np.ndarray]


Feed = Callable[[nn.Module], Fed]


def whole_images(images: np.ndarray, test: np.ndarray, augment: backbones.Augment | None, device: torch.device) -> Feed:
    """Of uint8 images (N, C, H, W) to train on and to predict: both lie on the device, for any number of models."""
    pixels, test_pixels = torch.from_numpy(images).to(device), torch.from_numpy(test).to(device)
    return lambda model: Fed(
        model, model, backbones.altered(model, pixels, augment), lambda: backbones.predict(model, test_pixels)
    )


def activations(images: np.ndarray, test: np.ndarray, trunk: Trunk, recipe: Recipe) -> Feed:
    """The same of a trunk's activations, for models whose frozen part is this trunk."""
    rows, test_rows = trunk.rows(np.concatenate([images, test])).tensor_split([len(images)])

    def feed(model: nn.Module) -> Fed:
        rest = cut(model, recipe.backbone, recipe.freezing).rest
        return Fed(model, rest, trunk.draw(rows), lambda: trunk.predict(rest, test_rows))

    return feed
