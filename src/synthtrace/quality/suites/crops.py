"""Crops: what preprocessing made of the scans, image by image."""

from pathlib import Path

import great_expectations as gx
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.params import Params
from synthtrace.quality import expect
from synthtrace.quality.measure import agree, listed_files, measure_images
from synthtrace.tables import MANIFEST, read_manifest

AGAIN = "Run `dvc repro -f preprocess`."
FROM_SCANS = ("patient_id", "label", "label_name")


def measure(folder: Path, scans: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables images (fixed crops), native, maps, files and scans of a folder of crops; `scans` is the scans' manifest.

    Raises InputError when the crops' manifest lacks a column.
    """
    manifest = read_manifest(folder)
    for column in ("native_path", "map_path", "scan_pixel_hash"):
        if column not in manifest.columns:
            raise InputError(f"{folder / 'manifest.csv'}: missing column {column!r}; it has {', '.join(manifest.columns)}")
    ids = manifest[["image_id", "patient_id"]]
    images = manifest[MANIFEST].join(measure_images(folder, manifest["path"], "measuring crops").drop(columns="path"))
    images["hash_right"] = agree(images["found_hash"], manifest["pixel_hash"])
    origin = manifest[["image_id"]].merge(scans.drop_duplicates("image_id"), on="image_id", how="left")
    images["has_scan"] = origin["pixel_hash"].notna()
    for column in FROM_SCANS:
        images[f"same_{column}"] = agree(origin[column], manifest[column])
    images["same_scan"] = agree(origin["pixel_hash"], manifest["scan_pixel_hash"])
    paths = pd.concat([manifest["path"], manifest["native_path"], manifest["map_path"]])
    crops = manifest["image_id"].value_counts()
    return {
        "images": images,
        "native": ids.join(measure_images(folder, manifest["native_path"], "measuring native crops")),
        "maps": ids.join(measure_images(folder, manifest["map_path"], "measuring maps")),
        "files": pd.concat([listed_files(folder, below, paths) for below in ("images", "native", "maps")]),
        "scans": scans[["image_id", "patient_id"]].assign(crops=scans["image_id"].map(crops).fillna(0).astype(int)),
    }


def expected(params: Params) -> list[gx.ExpectationSuite]:
    """What is expected in a study with these parameters."""
    return suites(
        params.preprocess.crop_size, params.preprocess.image_size, params.preprocess.channels, params.generator.map_classes
    )


def suites(crop_size: int, image_size: int, channels: int, map_classes: int) -> list[gx.ExpectationSuite]:
    """What is expected of crops; sizes in pixels."""
    mode = ["L" if channels == 1 else "RGB"]
    fixed, native = f"{image_size} x {image_size}", f"{crop_size} x {crop_size}"
    look = "Look at the scan: the region of interest may have been missed. Leave the scan out if it shows nothing."
    rows = ["image_id", "patient_id"]
    return [
        expect.table_suite(
            "images",
            rows,
            [
                expect.unique("image_id", "image ids are unique", f"Two rows have one image_id. {AGAIN}"),
                *expect.readable("fixed crops", [fixed], mode, AGAIN),
                expect.true("hash_right", "pixel hashes are those of the fixed crops", f"The file was changed since. {AGAIN}"),
                expect.between("sd", 1e-9, None, "fixed crops are not constant", f"Every pixel has one brightness. {look}"),
                expect.between("mean", 2, 250, "fixed crops have a mean brightness of 2 to 250", look, "warning"),
                expect.true("has_scan", "every crop has a scan", f"The crop's image_id is none of the scans'. {AGAIN}"),
                expect.true("same_patient_id", "crops have their scan's patient", AGAIN),
                expect.true("same_label", "crops have their scan's label", AGAIN),
                expect.true("same_label_name", "crops have their scan's label name", AGAIN),
                expect.true("same_scan", "scan_pixel_hash is the scan's pixel hash", AGAIN),
            ],
        ),
        expect.table_suite(
            "native",
            rows,
            [
                *expect.readable("native crops", [native], mode, AGAIN),
                expect.between("sd", 1e-9, None, "native crops are not constant", f"Every pixel has one brightness. {look}"),
            ],
        ),
        expect.table_suite(
            "maps",
            rows,
            [
                *expect.readable("maps", [native], ["L"], AGAIN),
                expect.between("highest", 0, map_classes - 1, f"maps hold classes 0 to {map_classes - 1}", AGAIN),
                expect.between(
                    "sd", 1e-9, None, "maps are not constant", f"The map says nothing of the image. {look}", "warning"
                ),
            ],
        ),
        expect.table_suite(
            "files",
            ["path"],
            [expect.one_of("rows", [1], "every file is listed once", f"No row or several rows name it. {AGAIN}")],
        ),
        expect.table_suite(
            "scans", ["image_id", "patient_id"], [expect.one_of("crops", [1], "every scan has one crop", AGAIN)]
        ),
    ]
