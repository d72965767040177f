"""Pairs as segmenters read them: real ones of the crops, and those of a pool that its selection keeps."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.folds.units import units_of
from synthtrace.images import load_stack
from synthtrace.pair_tables import read_pair_ledger
from synthtrace.segment.pairs import SegmentationSet
from synthtrace.tables import read_selection, with_role


def groups_of(manifest: pd.DataFrame, patient_ids: str) -> dict[str, str]:
    """The unit (patient or group of images) of each image of the crops' manifest; raises as `units.units_of`."""
    return dict(zip(manifest["image_id"], units_of(manifest, patient_ids), strict=True))


def real_pairs(
    crops: Path, manifest: pd.DataFrame, folds: pd.DataFrame, fold: int, role: str, channels: int, groups: Mapping[str, str]
) -> SegmentationSet:
    """The crops that have `role` in `fold`, in the manifest's order, each its own source.

    Raises:
        InputError: there are none, or one cannot be read.
    """
    rows = with_role(manifest, folds, fold, role)
    if rows.empty:
        raise InputError(f"data/folds/folds.csv: no image has the role {role!r} in fold {fold}; expected some")
    return _load(crops, rows, rows["image_id"].astype(str).tolist(), channels, groups)


def kept_pairs(pool: Path, selected: Path, real: SegmentationSet, channels: int) -> SegmentationSet:
    """The pairs of a pool that its selection keeps, in the ledger's order, of the groups of the `real` training pairs.

    Raises:
        InputError: a table or a pair cannot be read, or one was made from a pair that is none of the real training pairs.
    """
    ledger, selection = read_pair_ledger(pool), read_selection(selected)
    rows = ledger[ledger["image_id"].isin(selection.loc[selection["kept"].astype(bool), "image_id"])]
    groups = dict(zip(real.image_ids, real.groups, strict=True))
    sources = rows["condition_image_id"].astype(str).tolist()
    for image_id, source in zip(rows["image_id"], sources, strict=True):
        if source not in groups:
            raise InputError(
                f"{pool / 'ledger.parquet'}: {image_id} was made from {source!r}; expected one of the {len(real)} real "
                "training pairs"
            )
    if rows.empty:
        return real.take([])
    return _load(pool, rows, sources, channels, groups)


def _load(folder: Path, rows: pd.DataFrame, sources: list[str], channels: int, groups: Mapping[str, str]) -> SegmentationSet:
    images = load_stack([folder / path for path in rows["path"]], channels)
    masks = load_stack([folder / path for path in rows["mask_path"]], 1)
    if images.shape[2:] != masks.shape[2:]:
        raise InputError(f"{folder}: images are {images.shape[2:]}, masks {masks.shape[2:]} pixels; expected one size")
    binary = np.where(masks > 127, np.uint8(255), np.uint8(0))
    if not np.array_equal(binary, masks):
        raise InputError(f"{folder / 'masks'}: a mask holds other values than 0 and 255; expected these alone")
    return SegmentationSet(
        images, masks, rows["image_id"].astype(str).tolist(), sources, [groups[source] for source in sources]
    )
