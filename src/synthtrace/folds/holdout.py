"""One test set and everything else to train on (paper 2: two centres test what the others trained), as fold 0."""

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.folds.marked import MANIFEST, SHOWN_VALUES
from synthtrace.folds.subsets import disjoint_subsets
from synthtrace.folds.units import units_of
from synthtrace.params import Split
from synthtrace.params.segmentation import Holdout
from synthtrace.seeds import Seeds
from synthtrace.tables import FOLDS


def holdout(manifest: pd.DataFrame, split: Holdout, seeds: Seeds, patient_ids: str) -> pd.DataFrame:
    """The folds table (tables.FOLDS) of one fold, 0: every image once, roles train and test; units stay whole.

    Args:
        manifest: contract columns of the crops' manifest, one row an image; `split.column` rides along.
        split: the test images by column and test, or test_share: of the units, class by class.
        seeds: the root of the draw of a share.
        patient_ids: "manifest", or "none": see `units.units_of`.

    Raises:
        InputError: as `units_of` and, where a share is drawn, `subsets.disjoint_subsets`; there is no such column, no image has
            one of the values in it, all images have, or one image of a unit has one and another has not.
    """
    if split.column is None:
        whole = Split(
            protocol="subsets",
            folds=[0],
            repeats=1,
            column=None,
            test=None,
            test_share=split.test_share,
            val_share=0.0,
            subset_share=1.0,
        )
        return disjoint_subsets(manifest, whole, seeds, patient_ids)
    tested = _named(manifest, split)
    _check_whole(manifest, units_of(manifest, patient_ids), tested, values_of(manifest, split))
    return manifest[["image_id", "patient_id"]].assign(fold=0, role=np.where(tested, "test", "train"))[FOLDS]


def values_of(manifest: pd.DataFrame, split: Holdout) -> pd.Series:
    """What stands in the column by which test images are named, as text; a whole number as it stands in the file."""
    if split.column not in manifest.columns:
        raise InputError(
            f"{MANIFEST}: missing column {split.column!r}, which split.column names; it has {', '.join(manifest.columns)}"
        )
    column = manifest[split.column]
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():  # whole numbers, with gaps
        column = column.astype("Int64")
    return column.astype("string").fillna("")


def _named(manifest: pd.DataFrame, split: Holdout) -> pd.Series:
    """Whether an image's value is one of `split.test`."""
    values, wanted = values_of(manifest, split), split.test or []
    counts = values.value_counts().sort_index()
    for value in wanted:
        if value not in counts.index:
            found = [f"{other!r} ({count})" for other, count in counts.items()]
            more = f" and {len(found) - SHOWN_VALUES} others" if len(found) > SHOWN_VALUES else ""
            raise InputError(
                f"{MANIFEST}: no image has {value!r}, which split.test names, in column {split.column!r}; there are "
                f"{', '.join(found[:SHOWN_VALUES])}{more}"
            )
    tested = values.isin(wanted)
    if tested.all():
        raise InputError(f"{MANIFEST}: split.test names every value of column {split.column!r}; expected images to train on")
    return tested


def _check_whole(manifest: pd.DataFrame, units: pd.Series, tested: pd.Series, values: pd.Series) -> None:
    torn = (tested.groupby(units).transform("nunique") > 1).to_numpy()
    if torn.any():
        first = int(torn.argmax())
        other = int(((units == units.iloc[first]) & (tested != tested.iloc[first])).to_numpy().argmax())
        one, two = (f"image {manifest['image_id'].iloc[row]!r} (row {row + 2}, {values.iloc[row]!r})" for row in (first, other))
        raise InputError(
            f"{MANIFEST}: {one} and {two} have one patient or group, or equal pixels, and split.test puts one of them into the "
            "test alone; expected both or neither, so leave one out at the source"
        )
