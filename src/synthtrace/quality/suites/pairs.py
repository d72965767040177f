"""Pairs of image and mask: as preprocessing squashed them, and as generators made them."""

from pathlib import Path

import great_expectations as gx
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import file_sha256
from synthtrace.pair_tables import read_pair_ledger
from synthtrace.params.masks import Masks
from synthtrace.quality import expect
from synthtrace.quality.measure import MEASURED, agree, listed_files, measure_images
from synthtrace.quality.suites import pools
from synthtrace.quality.suites.crops import AGAIN, FROM_SCANS
from synthtrace.quality.suites.masks import JUDGED, area_expectations, file_expectations, measure_masks, right_area
from synthtrace.quality.suites.selection import SELECT
from synthtrace.tables import MANIFEST, read_manifest, read_selection

OF_CROPS = ["mask_path", "mask_hash", "mask_area", "scan_pixel_hash", "scan_mask_hash"]
AREA_TOLERANCE = 0.05  # of the image's area, by which squashing may change a mask's: more is another mask


def measure_crops(folder: Path, scans: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables images, masks, files and scans of a folder of squashed pairs; `scans` is the scans' manifest.

    Raises InputError when the pairs' manifest lacks a column.
    """
    manifest = read_manifest(folder)
    for column in OF_CROPS:
        if column not in manifest.columns:
            raise InputError(f"{folder / 'manifest.csv'}: missing column {column!r}; it has {', '.join(manifest.columns)}")
    origin = manifest[["image_id"]].merge(scans.drop_duplicates("image_id"), on="image_id", how="left")
    images = manifest[MANIFEST].join(measure_images(folder, manifest["path"], "measuring images").drop(columns="path"))
    images["hash_right"] = agree(images["found_hash"], manifest["pixel_hash"])
    images["has_scan"] = origin["pixel_hash"].notna()
    for column in FROM_SCANS:
        images[f"same_{column}"] = agree(origin[column], manifest[column])
    images["same_scan"] = agree(origin["pixel_hash"], manifest["scan_pixel_hash"])
    masks = manifest[["image_id", "patient_id"]].join(measure_masks(folder, manifest, "measuring masks"))
    masks["area_right"] = right_area(masks, manifest)
    masks["same_scan_mask"] = agree(origin["mask_hash"], manifest["scan_mask_hash"])
    masks["lost"] = (masks["area"] == 0) & (origin["mask_area"] > 0)
    masks["area_change"] = (masks["area"] - origin["mask_area"]).abs()
    paths = pd.concat([manifest["path"], manifest["mask_path"]])
    crops = scans["image_id"].map(manifest["image_id"].value_counts()).fillna(0).astype(int)
    return {
        "images": images,
        "masks": masks,
        "files": pd.concat([listed_files(folder, below, paths) for below in ("images", "masks")]),
        "scans": scans[["image_id", "patient_id"]].assign(crops=crops),
    }


def crop_suites(image_size: int, channels: int, legal: Masks) -> list[gx.ExpectationSuite]:
    """What is expected of squashed pairs; `image_size` in pixels."""
    rows, size = ["image_id", "patient_id"], [f"{image_size} x {image_size}"]
    look = "Look at the scan, and leave it out if it shows nothing."
    images = [
        expect.unique("image_id", "image ids are unique", f"Two rows have one image_id. {AGAIN}"),
        *expect.readable("images", size, ["L" if channels == 1 else "RGB"], AGAIN),
        expect.true("hash_right", "pixel hashes are those of the images", f"The file was changed since. {AGAIN}"),
        expect.between("sd", 1e-9, None, "images are not constant", f"Every pixel has one brightness. {look}"),
        expect.between("mean", 2, 250, "images have a mean brightness of 2 to 250", look, "warning"),
        expect.true("has_scan", "every image has a scan", f"The image_id is none of the scans'. {AGAIN}"),
        expect.true("same_patient_id", "images have their scan's patient", AGAIN),
        expect.true("same_label", "images have their scan's label", AGAIN),
        expect.true("same_label_name", "images have their scan's label name", AGAIN),
        expect.true("same_scan", "scan_pixel_hash is the scan's pixel hash", AGAIN),
    ]
    small = "At this size the lesion is too small to be seen: raise preprocess.image_size, or leave the image out."
    masks = [
        *file_expectations(size, AGAIN, AGAIN),
        expect.true("area_right", "mask areas are those of the files", AGAIN),
        *area_expectations(legal, AGAIN),
        expect.true("same_scan_mask", "scan_mask_hash is the scan's mask hash", AGAIN),
        expect.one_of("lost", [False], "no lesion is lost", small),
        expect.between(
            "area_change", 0, AREA_TOLERANCE, f"masks keep their scan's area within {AREA_TOLERANCE:.0%} of the image", AGAIN
        ),
    ]
    listed = expect.one_of("rows", [1], "every file is listed once", f"No row or several rows name it. {AGAIN}")
    return [
        expect.table_suite("images", rows, images),
        expect.table_suite("masks", rows, masks),
        expect.table_suite("files", ["path"], [listed]),
        expect.table_suite("scans", rows, [expect.one_of("crops", [1], "every scan has one pair", AGAIN)]),
    ]


def measure_pools(
    folder: Path,
    scored: Path,
    selected: Path,
    manifest: pd.DataFrame,
    folds: pd.DataFrame,
    kinds: list[str],
    labels: list[str],
) -> dict[str, pd.DataFrame]:
    """The tables of `pools.measure`, and masks and mask_files of the same pools, whose ledgers are those of pairs.

    `kept_lesion` and `kept_empty` are `lesion` and `empty` of the pairs that the selection kept: others may be out of bounds.
    """
    tables = pools.measure(folder, scored, manifest, folds, kinds, labels)
    present = tables["pools"][tables["pools"]["ledger"] & tables["pools"]["scores"]]
    masks, files = [], []
    for kind, fold in zip(present["kind"], present["fold"], strict=True):
        pool = folder / kind / f"fold{fold}"
        ledger, selection = read_pair_ledger(pool), read_selection(selected / kind / f"fold{fold}")
        found = ledger[["image_id"]].join(measure_masks(pool, ledger, f"measuring masks of {pool}"))
        digests = [
            file_sha256(pool / path) if there else None for path, there in zip(found["path"], found["exists"], strict=True)
        ]
        found["file_right"] = agree(pd.Series(digests, dtype=object), ledger["mask_sha256"])
        kept = found["image_id"].isin(selection.loc[selection["kept"].astype(bool), "image_id"])
        found["kept_lesion"] = found["lesion"].where(kept)
        found["kept_empty"] = found["empty"].where(kept, None)
        masks.append(found.assign(kind=kind, fold=fold))
        files.append(listed_files(pool, "masks", ledger["mask_path"]).assign(kind=kind, fold=fold))
    columns = ["image_id", *MEASURED, *JUDGED, "file_right", "kept_lesion", "kept_empty", *pools.POOL]
    return tables | {
        "masks": pd.concat(masks, ignore_index=True) if masks else pd.DataFrame(columns=columns),
        "mask_files": pd.concat(files, ignore_index=True) if files else pd.DataFrame(columns=["path", "rows", *pools.POOL]),
    }


def pool_suites(image_size: int, channels: int, legal: Masks) -> list[gx.ExpectationSuite]:
    """What is expected of pools of pairs and of their selections; `image_size` in pixels."""
    changed = f"The file is not the one sampled. {pools.SAMPLE}"
    dropped = f"Selection drops pairs whose mask is out of bounds. {SELECT}"
    masks = [
        *file_expectations([f"{image_size} x {image_size}"], pools.SAMPLE, pools.SAMPLE),
        expect.true("file_right", "mask digests are those of the files", changed),
        *area_expectations(legal, dropped, "kept_lesion", "kept_empty"),
    ]
    listed = expect.one_of("rows", [1], "every mask is listed once", f"No row or several rows name it. {pools.SAMPLE}")
    return [
        *pools.suites(image_size, channels),
        expect.table_suite("masks", [*pools.POOL, "image_id"], masks),
        expect.table_suite("mask_files", [*pools.POOL, "path"], [listed]),
    ]
