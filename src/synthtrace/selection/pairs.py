"""What is known of a pool's pairs: whether their masks could be real, and which training images they copy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.pair_tables import Pairs
from synthtrace.params.pair_selection import PairSelection
from synthtrace.selection.copies import CopyFinder, Embed
from synthtrace.selection.filled import FilledFinder
from synthtrace.selection.mask_shapes import MaskShapes


@dataclass(frozen=True)
class Painted:
    """Of an inpainted pool: where each training image is painted, bool (N, 1, S, S), and each pair's source image's id (M,)."""

    fills: np.ndarray
    sources: pd.Series


def score_pairs(
    candidates: Pairs, training: Pairs, embed: Embed, settings: PairSelection, painted: Painted | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A row a candidate, in the ledger's order, and what is to be told of all of them.

    `training` are the fold's training pairs, the only real ones read; `embed` gives its extractor's embeddings. Copies are
    sought among whole images, or, where a pool is `painted`, among what was painted (`filled`).

    The table: `image_id`, `label`, and what `CopyFinder.find` and `MaskShapes.judge` tell.

    The report: `candidates`, `copies`, `empty_masks` and `unlike_masks` (a pair may be several of these),
    `training_images`, `copied_training_images` (distinct ones that a copy is nearest to), `masks` (`MaskShapes.report`), and
    the thresholds and references of `CopyFinder.report`.

    Raises:
        InputError: there are too few training pairs with a lesion, or the source of an inpainted pair is none of these.
    """
    shapes = MaskShapes.of(training.masks, training.rows["image_id"], settings.mask_quantile)
    # of an empty pool there are the same columns and no row
    pairs = candidates if len(candidates) else training.take([0])
    finder: CopyFinder | FilledFinder
    if painted is None:
        finder = CopyFinder(training.images, training.rows, embed, settings.copy_quantile)
        found = finder.find(pairs.images)
    else:
        finder = FilledFinder(training.images, painted.fills, training.rows, embed, settings.copy_quantile)
        found = finder.find(pairs.images, painted.sources if len(candidates) else pairs.rows["image_id"])
    heads = pairs.rows[["image_id", "label"]].reset_index(drop=True)
    table = pd.concat([heads, found, shapes.judge(pairs.masks)], axis=1).iloc[: len(candidates)]
    report = {
        "candidates": len(table),
        "copies": int(table["copy"].sum()),
        "empty_masks": int(table["empty"].sum()),
        "unlike_masks": int(table["mask_unlike"].sum()),
        "training_images": len(training.rows),
        "copied_training_images": int(table.loc[table["copy"], "nearest_real_id"].nunique()),
        "masks": shapes.report(),
        **finder.report(),
    }
    return table, report
