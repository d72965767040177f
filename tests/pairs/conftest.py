"""Small settings, discs on grounds of one brightness as pairs, and a small trained model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler, UNet2DModel

from synthtrace.generators.pairs.network import noising
from synthtrace.generators.pairs.stacks import joined
from synthtrace.generators.pairs.training import train_pairs
from synthtrace.generators.training import Recorder
from synthtrace.params.pairs import Inpainting, PairDiffusion
from synthtrace.seeds import Seeds

SIDE = 16
DIFFUSION: dict[str, Any] = {
    "steps": 250,
    "batch_size": 8,
    "learning_rate": 2e-3,
    "weight_decay": 0.0,
    "ema_decay": 0.9,
    "train_timesteps": 1000,
    "noise_schedule": "linear",
    "prediction_type": "epsilon",
    "learned_variance": True,
    "channels": [16, 16],
    "layers_per_block": 1,
    "attention": [8],
    "head_dim": 8,
    "dropout": 0.0,
}
INPAINTING = {"samples": 3, "respacing": 10, "jump_length": 3, "resamples": 2, "dilation": 16, "batch_size": 4}


class SilentTracker:
    """Takes what a training logs and keeps nothing."""

    def log(self, values: dict[str, float], step: int) -> None: ...


@pytest.fixture(scope="session")
def tracker() -> Any:
    return SilentTracker()


@pytest.fixture(scope="session")
def settings() -> Callable[..., PairDiffusion]:
    """The settings of a small model, but for those that are given."""
    return lambda **other: PairDiffusion.model_validate(DIFFUSION | other)


@pytest.fixture(scope="session")
def inpainting() -> Callable[..., Inpainting]:
    """The settings of a short inpainting, but for those that are given."""
    return lambda **other: Inpainting.model_validate(INPAINTING | other)


@pytest.fixture(scope="session")
def stacks() -> tuple[np.ndarray, np.ndarray]:
    """Twelve grey images with a bright disc, and its mask."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    masks = np.stack(
        [np.hypot(rows - row, columns - column) < 3 for row, column in rng.integers(5, SIDE - 5, (12, 2))], dtype=np.uint8
    )
    images = np.where(masks, 220, rng.integers(40, 90, (12, 1, 1))).astype(np.uint8)
    return images[:, None], masks[:, None] * np.uint8(255)


Trained = tuple[UNet2DModel, DDPMScheduler, Recorder]


@pytest.fixture(scope="session")
def train(stacks: tuple[np.ndarray, np.ndarray], tracker: Any) -> Callable[[PairDiffusion], Trained]:
    """Trains a model by its settings."""

    def trained(settings: PairDiffusion) -> Trained:
        ids, device = [f"i{row:02d}" for row in range(12)], torch.device("cpu")
        unet, recorder = train_pairs(joined(*stacks), ids, settings, Seeds(0), ("diff", 0), device, "float32", tracker)
        return unet, noising(settings), recorder

    return trained


@pytest.fixture(scope="session")
def model(train: Callable[[PairDiffusion], Trained], settings: Callable[..., PairDiffusion]) -> Trained:
    """A small trained model with a learned variance."""
    return train(settings())
