"""Which pairs of a pool go on to the segmenters: those whose mask could be real and that copy no training image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.params.pair_selection import PairSelection
from synthtrace.selection.copies import CopyFinder, Embed
from synthtrace.selection.filled import FilledFinder
from synthtrace.selection.mask_shapes import MaskShapes


@dataclass(frozen=True)
class Pairs:
    """Images uint8 (N, C, S, S) and masks uint8 (N, 1, S, S) of 0 and 255, and their N rows of a manifest or a ledger."""

    images: np.ndarray
    masks: np.ndarray
    rows: pd.DataFrame


@dataclass(frozen=True)
class Painted:
    """Of an inpainted pool: where each training image is painted, bool (N, 1, S, S), and each pair's source image's id (M,)."""

    fills: np.ndarray
    sources: pd.Series


def select_pairs(
    candidates: Pairs, training: Pairs, embed: Embed, settings: PairSelection, painted: Painted | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A row a candidate, in the ledger's order, and what is to be told of all of them.

    `training` are the fold's training pairs, the only real ones read; `embed` gives its extractor's embeddings. Copies are
    sought among whole images, or, where a pool is `painted`, among what was painted (`filled`).

    The table: `image_id`, `label`, what `CopyFinder.find` and `MaskShapes.judge` tell, and `kept`: neither a copy nor empty nor
    unlike every real mask.

    The report: `candidates`, `kept`, `copies`, `empty_masks` and `unlike_masks` (a pair may be several of these),
    `training_images`, `copied_training_images` (distinct ones that a copy is nearest to), `masks` (`MaskShapes.report`), and
    the thresholds and references of `CopyFinder.report`.

    Raises:
        InputError: there are too few training pairs with a lesion, or the source of an inpainted pair is none of these.
    """
    shapes = MaskShapes.of(training.masks, training.rows["image_id"], settings.mask_quantile)
    finder: CopyFinder | FilledFinder
    if painted is None:
        finder = CopyFinder(training.images, training.rows, embed, settings.copy_quantile)
        found = finder.find(candidates.images)
    else:
        finder = FilledFinder(training.images, painted.fills, training.rows, embed, settings.copy_quantile)
        found = finder.find(candidates.images, painted.sources)
    heads = candidates.rows[["image_id", "label"]].reset_index(drop=True)
    table = pd.concat([heads, found, shapes.judge(candidates.masks)], axis=1)
    table["kept"] = ~(table["copy"] | table["empty"] | table["mask_unlike"])
    report = {
        "candidates": len(table),
        "kept": int(table["kept"].sum()),
        "copies": int(table["copy"].sum()),
        "empty_masks": int(table["empty"].sum()),
        "unlike_masks": int(table["mask_unlike"].sum()),
        "training_images": len(training.rows),
        "copied_training_images": int(table.loc[table["copy"], "nearest_real_id"].nunique()),
        "masks": shapes.report(),
        **finder.report(),
    }
    return table, report
