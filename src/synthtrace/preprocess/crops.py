"""Crops of the region of interest: at native pixel spacing, and resized to the side that classifiers see."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from synthtrace.images import pixel_hash, read_image, write_image
from synthtrace.params import Preprocess
from synthtrace.preprocess.maps import brightness_map
from synthtrace.preprocess.random_crop import resized
from synthtrace.preprocess.region import region_of_interest
from synthtrace.tables import write_manifest

Progress = Callable[[Iterable[int], str], Iterable[int]]


def centre_crop(pixels: np.ndarray, side: int) -> np.ndarray:
    """(side, side[, 3]) around the centre, at native spacing; zero-padded evenly where the image is smaller."""
    crop = np.zeros((side, side, *pixels.shape[2:]), dtype=pixels.dtype)
    source, target = [], []
    for length in pixels.shape[:2]:
        kept = min(length, side)
        source.append(slice((length - kept) // 2, (length - kept) // 2 + kept))
        target.append(slice((side - kept) // 2, (side - kept) // 2 + kept))
    crop[tuple(target)] = pixels[tuple(source)]
    return crop


def native_crop(pixels: np.ndarray, crop_size: int, region: Literal["sector", "whole"]) -> np.ndarray:
    """The centre `crop_size` x `crop_size` native pixels of what `preprocess.region` says; uint8, grey or colour.

    `sector`: of a scan's region of interest. `whole`: of the image as it is, for patches that show tissue to their edges.
    """
    return centre_crop(pixels if region == "whole" else region_of_interest(pixels), crop_size)


def fixed_crop(native: np.ndarray, image_size: int) -> np.ndarray:
    """The whole native crop at `image_size` x `image_size`, antialiased."""
    return resized(native, image_size)


def write_crops(
    scans: Path, manifest: pd.DataFrame, folder: Path, preprocess: Preprocess, map_classes: int, progress: Progress
) -> pd.DataFrame:
    """Write `images/`, `native/`, `maps/` and `manifest.csv` below `folder`; returns the crops' manifest.

    Columns of the scans' manifest ride along, except `mask_path`: masks are not cropped here.
    """
    for part in ("images", "native", "maps"):
        (folder / part).mkdir(parents=True)
    hashes = []
    for row in progress(range(len(manifest)), "cropping"):
        name = f"{manifest['image_id'][row]}.png"
        pixels = read_image(scans / manifest["path"][row], preprocess.channels)
        native = native_crop(pixels, preprocess.crop_size, preprocess.region)
        fixed = fixed_crop(native, preprocess.image_size)
        write_image(folder / "native" / name, native)
        write_image(folder / "images" / name, fixed)
        write_image(folder / "maps" / name, brightness_map(native, map_classes))
        hashes.append(pixel_hash(fixed))
    names = manifest["image_id"] + ".png"
    crops = manifest.drop(columns=["mask_path"], errors="ignore").assign(
        pixel_hash=hashes,
        path="images/" + names,
        native_path="native/" + names,
        map_path="maps/" + names,
        scan_pixel_hash=manifest["pixel_hash"],
    )
    write_manifest(folder, crops)
    return crops
