"""Masks as they came in, which the scans' gate of a segmentation study judges besides `scans`; and what every gate asks."""

from collections.abc import Sequence
from pathlib import Path

import great_expectations as gx
import numpy as np
import pandas as pd
from great_expectations.expectations.expectation import Expectation

from synthtrace.errors import InputError
from synthtrace.images import read_image
from synthtrace.params.masks import Masks
from synthtrace.quality import expect
from synthtrace.quality.measure import MEASURED, agree, listed_files, measure_images
from synthtrace.quality.suites.scans import SOURCE
from synthtrace.tables import read_manifest

INGEST = "Run `dvc repro -f ingest`."
JUDGED = ["same_size", "other_levels", "area", "empty", "lesion", "hash_right"]
SHOWN_LEVELS = 5


def measure(folder: Path) -> dict[str, pd.DataFrame]:
    """Tables masks and mask_files of a folder of scans whose manifest has `mask_path`, `mask_hash` and `mask_area`."""
    manifest = read_manifest(folder)
    masks = manifest[["image_id", "patient_id"]].join(measure_masks(folder, manifest, "measuring masks"))
    masks["area_right"] = right_area(masks, manifest)
    return {"masks": masks, "mask_files": listed_files(folder, "masks", manifest["mask_path"])}


def suites(legal: Masks) -> list[gx.ExpectationSuite]:
    """What is expected of the scans' masks."""
    areas = [expect.true("area_right", "mask areas are those of the files", INGEST), *area_expectations(legal, SOURCE)]
    return [
        expect.table_suite("masks", ["image_id", "patient_id"], [*file_expectations(None, SOURCE, INGEST), *areas]),
        expect.table_suite(
            "mask_files",
            ["path"],
            [expect.one_of("rows", [1], "every mask is listed once", f"No row or several rows name it. {INGEST}")],
        ),
    ]


def measure_masks(folder: Path, table: pd.DataFrame, description: str) -> pd.DataFrame:
    """One row a mask (columns MEASURED and JUDGED) of a table with `path`, `mask_path` and `mask_hash`, in its order.

    `same_size`: as its image's file, empty where either cannot be read. `other_levels`: grey levels that are neither 0 nor 255.
    `area`: share of pixels above 0; `empty`: whether that is 0; `lesion`: the area where it is not.
    """
    folder = Path(folder)
    found = measure_images(folder, table["mask_path"].tolist(), description)
    sizes = pd.Series([_size(folder / str(path)) for path in table["path"]], dtype=object)
    found["same_size"] = agree(sizes.where(found["size"].notna()), found["size"])
    decoded = [
        None if pd.isna(mark) else read_image(folder / path, 1)
        for path, mark in zip(found["path"], found["found_hash"], strict=True)
    ]
    found["other_levels"] = pd.Series([_other_levels(mask) for mask in decoded], dtype=object)
    found["area"] = [np.nan if mask is None else np.count_nonzero(mask) / mask.size for mask in decoded]
    found["empty"] = (found["area"] == 0).astype(object).where(found["area"].notna(), None)
    found["lesion"] = found["area"].where(found["area"] > 0)
    found["hash_right"] = agree(found["found_hash"], table["mask_hash"].reset_index(drop=True))
    return found[[*MEASURED, *JUDGED]]


def right_area(masks: pd.DataFrame, table: pd.DataFrame) -> pd.Series:
    """Whether the files' area is the table's `mask_area`, which CSV keeps to some fifteen digits."""
    return agree(masks["area"].round(9), table["mask_area"].round(9).reset_index(drop=True))


def file_expectations(sizes: Sequence[str] | None, todo: str, again: str) -> list[Expectation]:
    """What is expected of every file of a mask; `sizes` as `expect.readable` takes them, `again` says what writes the files."""
    return [
        *expect.readable("masks", sizes, ["L"], todo),
        expect.true("same_size", "masks have their image's size", f"The mask is not this image's, or was resized. {todo}"),
        expect.empty("other_levels", "masks hold 0 and 255 only", f"Between lesion and background there is nothing. {todo}"),
        expect.true("hash_right", "mask hashes are those of the files", f"The file was changed since. {again}"),
    ]


def area_expectations(legal: Masks, todo: str, lesion: str = "lesion", empty: str = "empty") -> list[Expectation]:
    """What is expected of areas: the limits of a lesion and, where the data set has no empty masks, that there is one."""
    limits = expect.between(
        lesion,
        legal.least_area,
        legal.most_area,
        f"lesions cover {legal.least_area:.4%} to {legal.most_area:.4%} of the image",
        f"Look at the mask; if it is right, change masks.least_area or masks.most_area. {todo}",
    )
    none = expect.one_of(
        empty, [False], "masks are not empty", f"If images without lesion belong to the data set, set masks.empty. {todo}"
    )
    return [limits] if legal.empty else [limits, none]


def _size(file: Path) -> str | None:
    try:
        return " x ".join(map(str, read_image(file).shape[:2]))
    except InputError:
        return None


def _other_levels(mask: np.ndarray | None) -> str | None:
    if mask is None:
        return None
    levels = [level for level in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist() if level not in (0, 255)]
    more = ", ..." if len(levels) > SHOWN_LEVELS else ""
    return ", ".join(map(str, levels[:SHOWN_LEVELS])) + more if levels else None
