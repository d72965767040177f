"""A pair of a bright disc on a dark ground, and the training of its model at tiny size."""

from collections.abc import Callable

import pytest
import torch

from synthtrace.generators.protocol import Fitted
from synthtrace.generators.singan.network import PairGenerator
from synthtrace.generators.singan.training import train
from synthtrace.params.singan import SinGan
from synthtrace.seeds import Seeds

SIDE = 16
NAMES = ("train_generator", "gan", 0)


class Curves:
    """A tracker that keeps the curves that it is given."""

    def __init__(self) -> None:
        self.curves: dict[str, tuple[list[float], list[float]]] = {}

    def curve(self, name: str, losses: list[float], learning_rates: list[float]) -> None:
        """Keep."""
        self.curves[name] = losses, learning_rates


@pytest.fixture(scope="session")
def settings() -> SinGan:
    """Three layers of eight channels, scales of 8, 11 and 16 pixels."""
    return SinGan(
        min_side=8,
        scale_factor=0.7,
        channels=8,
        layers=3,
        steps=60,
        inner_steps=1,
        learning_rate=0.002,
        penalty_weight=0.1,
        reconstruction_weight=10,
        noise_weight=0.1,
    )


@pytest.fixture(scope="session")
def pair() -> torch.Tensor:
    """A grey image of a disc of 0.5 on a ground of -0.5, and its mask, (2, 16, 16)."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    disc = ((rows - 5) ** 2 + (columns - 9) ** 2 <= 12).float()
    return torch.stack([disc - 0.5, disc * 2 - 1])


@pytest.fixture(scope="session")
def trained(settings: SinGan, pair: torch.Tensor) -> Callable[..., tuple[PairGenerator, Fitted, Curves]]:
    """Trains a model; keywords change the settings."""

    def run(image_id: str = "scan-1", of: torch.Tensor = pair, **changes: float) -> tuple[PairGenerator, Fitted, Curves]:
        tracker = Curves()
        own = settings.model_copy(update=changes)
        model, fitted = train(of, image_id, own, Seeds(7), NAMES, torch.device("cpu"), tracker)  # type: ignore[arg-type]
        return model, fitted, tracker

    return run


@pytest.fixture(scope="session")
def model(trained: Callable[..., tuple[PairGenerator, Fitted, Curves]]) -> PairGenerator:
    """A model that was trained as the settings say."""
    return trained()[0]
