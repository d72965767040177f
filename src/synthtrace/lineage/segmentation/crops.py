"""Whether the pairs that trainings read are what the scans say."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import pixel_hash, read_image
from synthtrace.lineage.findings import Finding, fail
from synthtrace.lineage.segmentation.study import PairStudy
from synthtrace.preprocess.pairs import squashed_mask
from synthtrace.preprocess.random_crop import resized
from synthtrace.stage import progress
from synthtrace.tables import read_manifest

CROPS, SCANS = "data/crops", "data/scans"
# column of the pairs' manifest -> of the scans'
OF_SCAN = {
    "patient_id": "patient_id",
    "label": "label",
    "scan_pixel_hash": "pixel_hash",
    "scan_mask_hash": "mask_hash",
}


def pairs_are_the_scans(study: PairStudy) -> Iterator[Finding]:
    """Image and mask of each pair have the pixels that the manifest names, and are what squashing makes of the scan's.

    With `study.fast` scans are not squashed again.
    """
    manifest = study.manifest
    for column in ("mask_path", "mask_hash", *OF_SCAN):
        if column not in manifest.columns:
            raise InputError(f"{study.path(CROPS) / 'manifest.csv'}: missing column {column!r}")
    scans = None if study.fast else read_manifest(study.path(SCANS)).drop_duplicates("image_id").set_index("image_id")
    for row in progress(manifest.to_dict("records"), "pairs"):
        try:
            pixels = []
            for path, digest in (("path", "pixel_hash"), ("mask_path", "mask_hash")):
                pixels.append(read_image(study.path(CROPS) / row[path]))
                if (found := pixel_hash(pixels[-1])) != row[digest]:
                    wanted = str(row[digest])[:12]
                    yield fail(f"{CROPS}/{row[path]}: holds the pixels {found[:12]}; expected {wanted} as in manifest.csv")
            if scans is not None:
                yield from _as_squashed(study, row, pixels, scans)
        except InputError as error:
            yield fail(str(error))


def _as_squashed(study: PairStudy, row: dict, pixels: list[np.ndarray], scans: pd.DataFrame) -> Iterator[Finding]:
    image_id, settings = row["image_id"], study.params.preprocess
    if image_id not in scans.index:
        yield fail(f"{CROPS}/manifest.csv: image {image_id!r} has no scan in {SCANS}/manifest.csv")
        return
    scan = scans.loc[image_id]
    for mine, theirs in OF_SCAN.items():
        if str(row[mine]) != str(scan[theirs]):
            yield fail(f"{CROPS}/manifest.csv: {mine} {row[mine]} of {image_id!r}; expected {scan[theirs]} as its scan has")
    image, mask = (study.path(SCANS) / scan[path] for path in ("path", "mask_path"))
    for file, digest in ((image, "pixel_hash"), (mask, "mask_hash")):
        if pixel_hash(read_image(file)) != scan[digest]:
            yield fail(f"{study.shown(file)}: its pixels are not those of manifest.csv, {str(scan[digest])[:12]}")
    made = (
        resized(read_image(image, settings.channels), settings.image_size),
        squashed_mask(read_image(mask, 1), settings.image_size),
    )
    for path, found, expected in zip(("path", "mask_path"), pixels, made, strict=True):
        if not np.array_equal(found, expected):
            yield fail(f"{CROPS}/{row[path]}: is not what squashing makes of its scan")
