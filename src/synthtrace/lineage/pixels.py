"""Whether the images that trainings read are what the scans say."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import pixel_hash, read_image
from synthtrace.lineage.findings import Finding, fail
from synthtrace.lineage.study import Study
from synthtrace.preprocess.crops import fixed_crop, native_crop
from synthtrace.preprocess.maps import brightness_map
from synthtrace.stage import progress
from synthtrace.tables import read_manifest

CROPS, SCANS = "data/crops", "data/scans"
OF_SCAN = ["patient_id", "label", "pixel_hash"]


def crops_are_the_scans(study: Study) -> Iterator[Finding]:
    """Each crop's pixels are those that the manifest names; native crop, fixed crop and map are what its scan gives.

    With `study.fast` scans are not cropped again.
    """
    manifest = study.manifest
    for column in ("native_path", "map_path", "scan_pixel_hash"):
        if column not in manifest.columns:
            raise InputError(f"{study.path(CROPS) / 'manifest.csv'}: missing column {column!r}")
    named = dict(zip(manifest["pixel_hash"], manifest["image_id"], strict=True))
    scans = None if study.fast else read_manifest(study.path(SCANS)).drop_duplicates("image_id").set_index("image_id")
    for row in progress(manifest.to_dict("records"), "crops"):
        try:
            pixels = read_image(study.path(CROPS) / row["path"])
            found = pixel_hash(pixels)
            if found != row["pixel_hash"]:
                whose = f"of {named[found]!r}" if found in named else found[:12]
                yield fail(
                    f"{CROPS}/{row['path']}: holds the pixels {whose}; expected {row['pixel_hash'][:12]} as in manifest.csv"
                )
            if scans is not None:
                yield from _as_cropped(study, row, pixels, scans)
        except InputError as error:
            yield fail(str(error))


def _as_cropped(study: Study, row: dict, pixels: np.ndarray, scans: pd.DataFrame) -> Iterator[Finding]:
    image_id, settings = row["image_id"], study.params.preprocess
    if image_id not in scans.index:
        yield fail(f"{CROPS}/manifest.csv: image {image_id!r} has no scan in {SCANS}/manifest.csv")
        return
    scan = scans.loc[image_id]
    for mine, theirs in zip(["patient_id", "label", "scan_pixel_hash"], OF_SCAN, strict=True):
        if str(row[mine]) != str(scan[theirs]):
            yield fail(f"{CROPS}/manifest.csv: {mine} {row[mine]} of {image_id!r}; expected {scan[theirs]} as its scan has")
    source = read_image(study.path(SCANS) / scan["path"])
    if pixel_hash(source) != scan["pixel_hash"]:
        yield fail(f"{SCANS}/{scan['path']}: its pixels are not those of manifest.csv, {scan['pixel_hash'][:12]}")
    native = read_image(study.path(CROPS) / row["native_path"])
    if (source.ndim == 2) != (settings.channels == 1):
        source = read_image(study.path(SCANS) / scan["path"], settings.channels)
    made: list[tuple[str, np.ndarray, Callable[[], np.ndarray], str]] = [
        (row["native_path"], native, lambda: native_crop(source, settings.crop_size, settings.region), "its scan"),
        (row["path"], pixels, lambda: fixed_crop(native, settings.image_size), row["native_path"]),
        (
            row["map_path"],
            read_image(study.path(CROPS) / row["map_path"]),
            lambda: brightness_map(native, study.params.generator.map_classes),
            row["native_path"],
        ),
    ]
    for path, found, expected, source_name in made:
        if not np.array_equal(found, expected()):
            yield fail(f"{CROPS}/{path}: is not what preprocessing makes of {source_name}")
