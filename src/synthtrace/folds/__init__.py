"""Folds: which images a model may learn from and which ones judge it. A patient is never on both sides."""

import pandas as pd

from synthtrace.folds.cross_validation import kfold
from synthtrace.folds.subsets import disjoint_subsets
from synthtrace.params import Split
from synthtrace.seeds import Seeds

__all__ = ["disjoint_subsets", "kfold", "split_folds"]


def split_folds(manifest: pd.DataFrame, split: Split, seeds: Seeds, patient_ids: str) -> pd.DataFrame:
    """The folds table of a study by its `split.protocol`: see `kfold` and `disjoint_subsets`, which say what they raise."""
    if split.protocol == "subsets":
        return disjoint_subsets(manifest, split, seeds, patient_ids)
    return kfold(manifest, len(split.folds), seeds, patient_ids, split.repeats)
