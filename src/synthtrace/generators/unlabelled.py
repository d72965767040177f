"""Unlabelled images for pre-training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.generators.batches import TrainingImages
from synthtrace.images import load_stack

# bytes of images that are kept in memory; more of them are read from their files whenever a batch wants them
HELD = 2**32


class Files(Sequence[np.ndarray]):
    """Images of one size in files, uint8 (C, H, W) each."""

    def __init__(self, paths: list[Path], channels: int) -> None:
        self.paths, self.channels = paths, channels

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> Any:
        return load_stack([self.paths[index]], self.channels)[0]


def unlabelled_images(folder: Path, channels: int) -> tuple[TrainingImages, pd.DataFrame]:
    """The images that `gather` wrote to a folder, each with the label 0, and their manifest; raises InputError for none."""
    manifest = pd.read_csv(folder / "manifest.csv", dtype="str", keep_default_na=False)
    if manifest.empty:
        raise InputError(
            f"{folder}: there is no unlabelled image to pre-train on; expected some at pretraining.path, or with "
            "pretraining.unused images that no fold uses, or autoencoder.mode 'scratch'"
        )
    paths = [folder / path for path in manifest["native_path"]]
    files = Files(paths, channels)
    images = load_stack(paths, channels) if len(paths) * files[0].nbytes <= HELD else files
    return TrainingImages(images, None, np.zeros(len(manifest), dtype=np.int64), manifest["image_id"].tolist()), manifest
