"""What is known of a pool's candidates, and which of them go on to the classifiers."""

from typing import Any

import numpy as np
import pandas as pd
import torch

from synthtrace.params import Selection
from synthtrace.selection.copies import CopyFinder, Embed
from synthtrace.selection.rules import kept
from synthtrace.selection.scores import Seen, scores


def score_candidates(
    candidates: np.ndarray,
    ledger: pd.DataFrame,
    training: np.ndarray,
    manifest: pd.DataFrame,
    embed: Embed,
    predict: Embed,
    selection: Selection,
    device: torch.device,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A pool's table of candidates, in the ledger's order, and what the copy search reports.

    `candidates` uint8 (M, C, H, W), rows of `ledger`; `training` (N, C, H, W), rows of `manifest`: the fold's training
    images, the only real ones read. `embed` and `predict` give the fold's extractor's features and class probabilities;
    neighbours are sought on `device`. Every candidate has every score (`scores.py`), whatever is selected by.

    The report: `candidates`, `copies`, `training_images`, `copied_training_images` (distinct ones that a copy is nearest to),
    and the thresholds and references of `copies.CopyFinder.report`.
    """
    finder = CopyFinder(training, manifest, embed, selection.copy_quantile)
    found = finder.find(candidates)

    def seen(images: np.ndarray, rows: pd.DataFrame) -> Seen:
        return Seen(embed(images), predict(images), rows["label"].to_numpy(dtype=np.int64))

    scored = scores(seen(candidates, ledger), seen(training, manifest), selection, device)
    table = pd.concat([ledger[["image_id", "label"]].reset_index(drop=True), found, scored], axis=1)
    report = {
        "candidates": len(table),
        "copies": int(table["copy"].sum()),
        "training_images": len(manifest),
        "copied_training_images": int(table.loc[table["copy"], "nearest_real_id"].nunique()),
        **finder.report(),
    }
    return table, report


def select(table: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """A table of candidates with `kept`: what `selection.method` keeps, which may be none."""
    return table.assign(kept=kept(table, selection.method, selection))
