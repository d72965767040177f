"""Test images that a column of the manifest marks: the official split of a data set."""

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.params import Split

MANIFEST = "data/crops/manifest.csv"
SHOWN_VALUES = 10


def marked_units(manifest: pd.DataFrame, units: pd.Series, split: Split) -> set[str]:
    """Units whose images hold `split.test` in the manifest's column `split.column`.

    Raises:
        InputError: there is no such column, no image has that value in it, or one image of a unit has it and another has not
            (a patient, a group, or pixel-identical images on both sides of the given split).
    """
    if split.column not in manifest.columns:
        raise InputError(
            f"{MANIFEST}: missing column {split.column!r}, which split.column names; it has {', '.join(manifest.columns)}"
        )
    values = manifest[split.column].map(_text)
    marked = values == split.test
    if not marked.any():
        counts = values.value_counts().sort_index()
        found = [f"{value!r} ({count})" for value, count in counts.items()]
        more = f" and {len(found) - SHOWN_VALUES} others" if len(found) > SHOWN_VALUES else ""
        raise InputError(
            f"{MANIFEST}: no image has {split.test!r}, which split.test names, in column {split.column!r}; there are "
            f"{', '.join(found[:SHOWN_VALUES])}{more}"
        )
    torn = (marked.groupby(units).transform("nunique") > 1).to_numpy()
    if torn.any():
        first = int(torn.argmax())
        other = int(((units == units.iloc[first]) & (marked != marked.iloc[first])).to_numpy().argmax())
        one, two = (
            f"image {manifest['image_id'].iloc[row]!r} (row {row + 2}, {split.column} {values.iloc[row]!r})"
            for row in (first, other)
        )
        raise InputError(
            f"{MANIFEST}: {one} and {two} have one patient or group, or equal pixels; expected both in the test or neither, so "
            "leave one out at the source"
        )
    return set(units[marked])


def _text(value: object) -> str:
    """A cell as it stands in the file: a column of whole numbers with gaps is read as floats."""
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
