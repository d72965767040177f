"""Pairs of image and mask, squashed to the square that generators and segmenters see."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from synthtrace.images import pixel_hash, read_image, write_image
from synthtrace.preprocess.crops import Progress
from synthtrace.preprocess.random_crop import resized
from synthtrace.tables import write_manifest


def squashed_mask(mask: np.ndarray, size: int) -> np.ndarray:
    """The whole uint8 (H, W) mask of 0 and 255 at `size` x `size`: 255 where at least half of the pixel's area was lesion.

    Area decides, not the nearest pixel, so that the mask shrinks as its antialiased image does and no edge is jagged by chance.
    """
    share = np.asarray(Image.fromarray(mask).resize((size, size), Image.Resampling.BOX))
    return np.where(share >= 128, np.uint8(255), np.uint8(0))


def write_pairs(
    scans: Path, manifest: pd.DataFrame, folder: Path, image_size: int, channels: int, progress: Progress
) -> pd.DataFrame:
    """Write `images/`, `masks/` and `manifest.csv` below `folder`; returns the pairs' manifest.

    An image is resized whole to a square (paper 2, section 3.1: 256 x 256), antialiased, its mask by `squashed_mask`. Columns
    of the manifest ride along; `scan_pixel_hash`, `scan_mask_hash` and `scan_mask_area` are the scan's.
    """
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    names = manifest["image_id"] + ".png"
    pixel_hashes, mask_hashes, areas = [], [], []
    for row in progress(range(len(manifest)), "squashing"):
        image = resized(read_image(scans / manifest["path"].iloc[row], channels), image_size)
        mask = squashed_mask(read_image(scans / manifest["mask_path"].iloc[row], 1), image_size)
        write_image(folder / "images" / names.iloc[row], image)
        write_image(folder / "masks" / names.iloc[row], mask)
        pixel_hashes.append(pixel_hash(image))
        mask_hashes.append(pixel_hash(mask))
        areas.append(np.count_nonzero(mask) / mask.size)
    pairs = manifest.assign(
        path="images/" + names,
        mask_path="masks/" + names,
        pixel_hash=pixel_hashes,
        mask_hash=mask_hashes,
        mask_area=areas,
        scan_pixel_hash=manifest["pixel_hash"],
        scan_mask_hash=manifest["mask_hash"],
        scan_mask_area=manifest["mask_area"],
    )
    write_manifest(folder, pairs)
    return pairs
