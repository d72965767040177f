"""Unlabelled images for pre-training."""

from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.generators.batches import TrainingImages
from synthtrace.images import load_stack


def unlabelled_images(folder: Path, channels: int) -> tuple[TrainingImages, pd.DataFrame]:
    """The images that `gather` wrote to a folder, each with the label 0, and their manifest; raises InputError for none."""
    manifest = pd.read_csv(folder / "manifest.csv", dtype="str", keep_default_na=False)
    if manifest.empty:
        raise InputError(
            f"{folder}: there is no unlabelled image to pre-train on; expected some at pretraining.path, or with "
            "pretraining.unused images that no fold uses, or autoencoder.mode 'scratch'"
        )
    images = load_stack([folder / path for path in manifest["native_path"]], channels)
    return TrainingImages(images, None, np.zeros(len(manifest), dtype=np.int64), manifest["image_id"].tolist()), manifest
