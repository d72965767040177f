"""Masks of lesions as they come in: two values, the right image's, none missing."""

import dataclasses
from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import pixel_hash
from synthtrace.scans.manifest import Progress, Source

OF_MASKS = ["mask_hash", "mask_area"]
SHOWN_LEVELS = 5


def binary_masks(source: Source) -> Source:
    """The source with masks of 0 and 255 only, whatever pair of values its files have; for `write_scans` to write.

    Raises:
        InputError: the data set has no masks, a row has none, two rows share one, a mask's file is an image of the data set or
            bears another image's name; and, once a mask is decoded, it holds other values than 0 and 255, or 0 and 1.
    """
    if source.mask is None:
        raise InputError(f"{source.where}: the data set has no masks; expected their column in dataset.columns.mask_path")
    _check_files(source)
    return dataclasses.replace(source, mask=lambda row: _binary(source, row))


def check_masks(source: Source, manifest: pd.DataFrame, progress: Progress) -> pd.DataFrame:
    """Read every mask; returns the manifest with `mask_hash` and `mask_area` (share of pixels in [0, 1]).

    The hash is that of the uint8 (H, W) mask of 0 and 255. Runs after `check_images`, which compares sizes. A foreign column
    of either name becomes `original_<name>`.

    Raises:
        InputError: as `binary_masks` does; a mask cannot be read.
    """
    binary = binary_masks(source)
    hashes, areas = [], []
    for row in progress(range(len(manifest)), "checking masks"):
        mask = binary.mask(row)  # type: ignore[misc]
        hashes.append(pixel_hash(mask))
        areas.append(np.count_nonzero(mask) / mask.size)
    ours = manifest.rename(columns={name: f"original_{name}" for name in OF_MASKS})
    return ours.assign(mask_hash=hashes, mask_area=areas)


def _binary(source: Source, row: int) -> np.ndarray:
    mask = source.mask(row)  # type: ignore[misc]
    levels = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist()
    if not {*levels} <= {0, 1} and not {*levels} <= {0, 255}:
        shown = ", ".join(map(str, levels[:SHOWN_LEVELS])) + (", ..." if len(levels) > SHOWN_LEVELS else "")
        name = source.table["mask_path"].iloc[row]
        raise InputError(
            f"{source.where}: the mask of {source.row_names[row]}, {name!r}, holds the grey levels {shown}; expected 0 and "
            "255 only, or 0 and 1"
        )
    return np.where(mask > 0, np.uint8(255), np.uint8(0))


def _check_files(source: Source) -> None:
    """Which file each row names as its mask."""
    images, masks = (source.table[column].tolist() for column in ("original_path", "mask_path"))
    names_of = dict(zip(images, source.row_names, strict=True))
    user_of: dict[str, str] = {}
    named = _Names(images)
    for row, (name, mask) in enumerate(zip(source.row_names, masks, strict=True)):
        where = f"{source.where}: {name}"
        if pd.isna(mask):
            raise InputError(f"{where} names no mask; expected one in every row, all black where there is no lesion")
        if mask in names_of:
            raise InputError(f"{where} names {mask!r} as its mask, which is the image of {names_of[mask]}")
        if mask in user_of:
            raise InputError(f"{where} names {mask!r} as its mask, which is the mask of {user_of[mask]}")
        user_of[mask] = name
        other = named.image_of(mask, row)
        if other != row:
            raise InputError(
                f"{where} names {mask!r} as the mask of {images[row]!r}, but by its name it is that of {images[other]!r}"
            )


class _Names:
    """Which image a mask's file is named after."""

    def __init__(self, images: list[str]) -> None:
        self.images = images
        self.rows: dict[str, list[int]] = defaultdict(list)
        for row, path in enumerate(images):
            self.rows[Path(path).stem].append(row)

    def image_of(self, mask: str, own: int) -> int:
        """The row whose image the mask is named after; `own` where its name tells nothing, or may mean `own`.

        Names tell where a mask's begins, or else ends, with the whole name of an image (`7_mask.png`, `mask_7.png`); of several
        images so called, the one in folders of the same name.
        """
        stem = self._stem(Path(mask).stem)
        if stem is None:
            return own
        return max(self.rows[stem], key=lambda row: (self._folders(mask, row), row == own))

    def _stem(self, name: str) -> str | None:
        ends = [end for end in range(len(name), 0, -1) if not name[end : end + 1].isalnum()]
        starts = [start for start in range(1, len(name)) if not name[start - 1].isalnum()]
        parts = [*(name[:end] for end in ends), *(name[start:] for start in starts)]
        return next((part for part in parts if part in self.rows), None)

    def _folders(self, mask: str, row: int) -> int:
        """How many folders have one name on both paths."""
        return len({*PurePosixPath(mask).parts[:-1]} & {*PurePosixPath(self.images[row]).parts[:-1]})
