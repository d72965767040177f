"""Which candidates of a pool go on to the classifiers."""

from typing import Any

import numpy as np
import pandas as pd

from synthtrace.params import Selection
from synthtrace.selection.copies import CopyFinder, Embed


def select(
    candidates: np.ndarray,
    ledger: pd.DataFrame,
    training: np.ndarray,
    manifest: pd.DataFrame,
    embed: Embed,
    selection: Selection,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A pool's selection table, in the ledger's order, and what the copy search reports.

    `candidates` uint8 (M, C, H, W), rows of `ledger`; `training` (N, C, H, W), rows of `manifest`: the fold's training
    images, the only real ones read. Method `none` keeps every candidate that is no copy; that may be none.

    The report: `candidates`, `copies`, `training_images`, `copied_training_images` (distinct ones that a copy is nearest to),
    and the thresholds and references of `copies.CopyFinder.report`.
    """
    finder = CopyFinder(training, manifest, embed, selection.copy_quantile)
    found = finder.find(candidates)
    table = pd.concat([ledger[["image_id", "label"]].reset_index(drop=True), found], axis=1)
    table["kept"] = ~table["copy"]
    report = {
        "candidates": len(table),
        "copies": int(table["copy"].sum()),
        "training_images": len(manifest),
        "copied_training_images": int(table.loc[table["copy"], "nearest_real_id"].nunique()),
        **finder.report(),
    }
    return table, report
