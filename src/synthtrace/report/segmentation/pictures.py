"""Real pairs, and of each pool real beside synthetic ones, large; and what selection did."""

from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.images import read_image
from synthtrace.pair_tables import read_pair_ledger
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.report.formats import share
from synthtrace.report.pictures import picture_uri, spread
from synthtrace.tables import read_selection, with_role

LARGEST = 256
FOLD = 0


def gallery(root: Path, crops: pd.DataFrame, folds: pd.DataFrame, params: SegmentationParams) -> list[dict[str, Any]]:
    """For `real` and every pool up to report.pairs pairs, spread evenly through the training pairs or the kept ones.

    A list of {"name", "pairs": [{"note", "source": None or {"image", "mask"}, "made": {"image", "mask"}}]}.
    """
    train, count = with_role(crops, folds, FOLD, "train"), params.report.pairs
    real = spread(train.sort_values("image_id"), count).to_dict("records")
    by_id = {row["image_id"]: row for row in train.to_dict("records")}
    strips: list[dict[str, Any]] = [
        {
            "name": "real",
            "pairs": [{"note": f"{row['image_id']}", "source": None, "made": _pair(root / "data/crops", row)} for row in real],
        }
    ]
    for kind in params.generators.pools:
        folder = root / f"data/pools/{kind}/fold{FOLD}"
        pairs = []
        for row in spread(_kept(root, kind), count).to_dict("records"):
            source = by_id[row["condition_image_id"]]
            pairs.append(
                {
                    "note": f"{row['image_id']}, made from {source['image_id']}",
                    "source": _pair(root / "data/crops", source),
                    "made": _pair(folder, row),
                }
            )
        strips.append({"name": kind, "pairs": pairs})
    return strips


def _pair(folder: Path, row: dict[Any, Any]) -> dict[str, str]:
    return {
        name: picture_uri(read_image(folder / row[column]), LARGEST)
        for name, column in (("image", "path"), ("mask", "mask_path"))
    }


def _kept(root: Path, kind: str) -> pd.DataFrame:
    selection = read_selection(root / f"data/selected/{kind}/fold{FOLD}")
    ledger = read_pair_ledger(root / f"data/pools/{kind}/fold{FOLD}")
    return ledger[ledger["image_id"].isin(selection.loc[selection["kept"].astype(bool), "image_id"])].sort_values("image_id")


def tally(root: Path, params: SegmentationParams) -> list[dict[str, Any]]:
    """Candidates, what dropped them (several may drop one) and how many are kept, a row a pool."""
    rows = []
    for kind in params.generators.pools:
        selection = read_selection(root / f"data/selected/{kind}/fold{FOLD}")
        kept = int(selection["kept"].sum())
        dropped = {name: int(selection[name].sum()) for name in ("copy", "empty", "mask_unlike")}
        rows.append({"kind": kind, "candidates": len(selection), **dropped, "kept": kept, "share": share(kept, len(selection))})
    return rows
