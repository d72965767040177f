"""Small parameters, images and models."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from synthtrace.generators.batches import TrainingImages
from synthtrace.generators.protocol import Job
from synthtrace.generators.train_autoencoder import train_autoencoder
from synthtrace.params import Params, parse_params

ROOT = Path(__file__).parents[2]


class SilentTracker:
    """Takes what a training logs and keeps nothing."""

    def log(self, values: dict[str, float], step: int) -> None: ...

    def curve(self, name: str, losses: list[float], learning_rates: list[float]) -> None:
        assert len(losses) == len(learning_rates)

    def grid(self, name: str, images: np.ndarray) -> None:
        assert images.dtype == np.uint8


@pytest.fixture(scope="session")
def params() -> Params:
    tree: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["compute"]["threads"] = 1
    tree["preprocess"].update(image_size=16, crop_size=40)
    tree["autoencoder"].update(channels=[8, 8], steps=30, batch_size=8)
    tree["autoencoder"]["tuning"].update(steps=20, batch_size=8, classifier_steps=20, classifier_batch_size=8)
    tree["generator"].update(channels=[8, 16], steps=12, batch_size=8)
    tree["families"]["class"].update(label_dim=16)
    tree["families"]["guided"].update(classifier_steps=12, classifier_batch_size=8)
    tree["families"]["dit"].update(depth=2, heads=2, head_dim=8)
    tree["sample"].update(images=6, batch_size=4, steps=3)
    return parse_params(tree)


@pytest.fixture(scope="session")
def source() -> TrainingImages:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 1, 40, 40), dtype=np.uint8)
    maps = rng.integers(0, 5, (12, 40, 40), dtype=np.uint8)
    return TrainingImages(images, maps, np.arange(12) % 2, [f"i{n:02d}" for n in range(12)])


@pytest.fixture(scope="session")
def manifest(source: TrainingImages) -> pd.DataFrame:
    return pd.DataFrame({"image_id": source.image_ids, "patient_id": [f"P{n // 2}" for n in range(12)]})


@pytest.fixture
def tracker() -> SilentTracker:
    return SilentTracker()


@pytest.fixture(scope="session")
def autoencoders(
    tmp_path_factory: pytest.TempPathFactory, params: Params, source: TrainingImages, manifest: pd.DataFrame
) -> Path:
    """The latent spaces of fold 0: the shared one."""
    folder = tmp_path_factory.mktemp("autoencoders")
    device, tracker = torch.device("cpu"), SilentTracker()
    train_autoencoder(source, manifest, params, "shared", 0, folder / "shared", tracker, device)  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="session")
def job(params: Params, source: TrainingImages, autoencoders: Path) -> Callable[..., Job]:
    """The training of a kind on fold 0; other fields of the job by name."""

    def made(kind: str, **other: Any) -> Job:
        usual = {"source": source, "params": params, "autoencoders": autoencoders, "pretrained": Path("none")}
        here: dict[str, Any] = {"tracker": SilentTracker(), "device": torch.device("cpu")}
        return Job(kind=kind, fold=0, **usual | here | other)

    return made


@pytest.fixture(scope="session")
def autoencoder_folder(autoencoders: Path) -> Path:
    return autoencoders / "shared"
