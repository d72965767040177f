"""Reading a pool, checked against its ledger."""

from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import load_stack, pixel_hash, to_pixels
from synthtrace.tables import read_ledger


def load_pool(folder: Path, channels: int) -> tuple[pd.DataFrame, np.ndarray]:
    """A pool's ledger and its images, uint8 (N, C, H, W), in the ledger's order.

    Raises:
        InputError: an image is missing or unreadable, or its pixels are not those that the ledger names; or the pool is empty.
    """
    ledger = read_ledger(folder)
    if ledger.empty:
        raise InputError(f"{folder / 'ledger.parquet'}: expected a row an image, found none")
    images = load_stack([folder / path for path in ledger["path"]], channels)
    for path, expected, image in zip(ledger["path"], ledger["pixel_hash"], images, strict=True):
        found = pixel_hash(to_pixels(image))
        if found != expected:
            raise InputError(f"{folder / path}: expected the pixels {expected[:12]} of ledger.parquet, found {found[:12]}")
    return ledger, images
