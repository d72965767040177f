"""Baselines no network may hide behind: columns of the crops' manifest, judged like a classifier's scores."""

from typing import Any

import numpy as np
import pandas as pd

from synthtrace.compare.levels import LEVELS, Judged, difference, judge, spread
from synthtrace.errors import InputError
from synthtrace.params import Dataset
from synthtrace.statistics.scores import scores_of

MANIFEST = "data/crops/manifest.csv"


def judge_baselines(
    dataset: Dataset, manifest: pd.DataFrame | None, real: pd.DataFrame, of_real: dict[str, Judged], counts: np.ndarray
) -> dict[str, Any]:
    """AUC of each column of `dataset.baselines` by image and by patient, and its difference to the classifiers on real images.

    The column's value is the score of class 1, its mean over frames that of a patient; resamples draw the same patients for
    both. There is one score, so no spread over seeds and no test over them. One column can rank two classes, no more: it is no
    one-vs-rest score of each of three.

    Args:
        dataset: names the columns and the classes.
        manifest: the crops'.
        real: predictions of `real` by one backbone, with a column `round`.
        of_real: the same, judged.
        counts: patients of each bootstrap resample.

    Raises:
        InputError: more than two classes, no manifest, a column that is not there, or a cell that is empty or no number.
    """
    if dataset.baselines and len(dataset.labels) > 2:
        raise InputError(
            f"dataset.baselines: {dataset.baselines[0]!r} is one score, which ranks two classes; dataset.labels has "
            f"{len(dataset.labels)}, so expected no baselines"
        )
    once = real[(real["seed"] == real["seed"].min()) & (real["round"] == 0)]
    entries = {}
    for name in dataset.baselines:
        values = _column(manifest, name).reindex(once["image_id"])
        if len(missing := values.index[values.isna()]):
            raise InputError(f"{MANIFEST}: has no image {missing[0]!r}, which `real` predicts; expected a row for each")
        scores = scores_of(once.assign(fold=0, p0=-values.to_numpy(), p1=values.to_numpy()), 1)
        judged = judge(scores, counts)
        entries[name] = {level: spread(judged[level]) for level in LEVELS} | {
            versus: difference(judged[level], of_real[level]) for level, versus in LEVELS.items()
        }
    return entries


def _column(manifest: pd.DataFrame | None, name: str) -> pd.Series:
    """The numbers of a manifest's column, by image id."""
    if manifest is None or name not in manifest.columns:
        found = "there is no such table" if manifest is None else f"it has {', '.join(manifest.columns)}"
        raise InputError(f"{MANIFEST}: missing column {name!r}, which dataset.baselines names; {found}")
    values = pd.to_numeric(manifest[name], errors="coerce").to_numpy(dtype=np.float64)
    if len(odd := np.flatnonzero(~np.isfinite(values))):
        row = int(odd[0])
        cell, image = manifest[name].iloc[row], manifest["image_id"].iloc[row]
        found = "nothing" if pd.isna(cell) else repr(cell)
        raise InputError(
            f"{MANIFEST}: row {row + 2}, image {image!r}, has {found} in {name!r}, which dataset.baselines names; expected a "
            "number in every row"
        )
    return pd.Series(values, index=manifest["image_id"].astype(str).to_numpy())
