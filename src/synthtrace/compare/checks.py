"""What can be compared: tables that hold every prediction that is asked for, once, and nothing else."""

from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.errors import InputError

IMAGE = ["image_id", "patient_id", "label"]


def images_of(table: pd.DataFrame) -> pd.DataFrame:
    """Distinct images of a predictions table: image_id, patient_id, label."""
    return table[IMAGE].drop_duplicates()


def check_whole(table: pd.DataFrame, settings: pd.DataFrame, images: pd.DataFrame, rounds: int, path: Path, asked: str) -> None:
    """Check that a table holds every image once a setting, seed and round, under its patient and label, and nothing else.

    Args:
        table: predictions with a column `round`.
        settings: one row a setting; what names it, and `seed`.
        images: what `images_of` returns.
        rounds: how often each image is tested: deals of the folds, or training subsets.
        path: the file that errors name.
        asked: where the settings come from.

    Raises:
        InputError: the table is empty, or a prediction is missing, twice there, of something that nobody asked for, no
            number, or of a class that no image has.
    """
    if table.empty:
        raise InputError(f"{path}: holds no predictions")
    names = [*settings.columns, "round"]
    if len(repeated := table[table.duplicated([*names, "image_id"])]):
        row = repeated.iloc[0]
        raise InputError(f"{path}: image {row['image_id']!r} has two predictions of {_named(row, names)}; expected one")
    expected = settings.merge(pd.DataFrame({"round": range(rounds)}), how="cross").merge(images, how="cross")
    both = table[[*names, *IMAGE]].merge(expected, how="outer", on=[*names, *IMAGE], indicator=True)
    if len(odd := both[both["_merge"] != "both"]):
        row = odd.iloc[0]
        found = "has no prediction" if row["_merge"] == "right_only" else f"has a prediction that {asked} lacks,"
        raise InputError(
            f"{path}: image {row['image_id']!r} of patient {row['patient_id']!r}, label {row['label']}, {found} of "
            f"{_named(row, names)}; expected every image once for all that {asked} holds"
        )
    _check_probabilities(table, path)


def _check_probabilities(table: pd.DataFrame, path: Path) -> None:
    columns = [name for name in table.columns if name[0] == "p" and name[1:].isdigit()]
    for name in columns:
        if len(odd := table.loc[~np.isfinite(table[name].to_numpy(dtype=np.float64)), "image_id"]):
            raise InputError(f"{path}: {name} of image {odd.iloc[0]!r} is no number; expected a probability")
    present = set(table["label"])
    for label in range(len(columns)):
        if label not in present:
            raise InputError(f"{path}: no image has label {label}, which the probabilities p0 to p{len(columns) - 1} foresee")


def _named(row: pd.Series, names: list[str]) -> str:
    return ", ".join(f"{name} {row[name]}" for name in names)
