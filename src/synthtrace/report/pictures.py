"""Real training images beside kept synthetic ones, as PNG data URIs, and what selection did to the pools."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from synthtrace.fidelity.parts import selections
from synthtrace.images import read_image
from synthtrace.params import NO_SELECTION, Params
from synthtrace.report.formats import number, share
from synthtrace.selection import rules
from synthtrace.tables import read_ledger, read_selection, with_role

LARGEST = 128


def data_uri(path: Path) -> str:
    """An image file as a PNG data URI, its longer side at most 128 px."""
    return picture_uri(read_image(path), LARGEST)


def picture_uri(pixels: np.ndarray, largest: int) -> str:
    """Pixels, uint8 (H, W) or (H, W, 3), as a PNG data URI, its longer side at most `largest`."""
    image = Image.fromarray(pixels)
    image.thumbnail((largest, largest), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=9)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def spread(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Up to `count` rows evenly spaced through a table: neither the first nor the best looking."""
    return rows.iloc[np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]


def _real(crops: Path, rows: pd.DataFrame, count: int) -> list[dict[str, str]]:
    chosen = spread(rows.sort_values(["patient_id", "image_id"]), count)
    return [
        {"uri": data_uri(crops / row["path"]), "note": f"real, patient {row['patient_id']}, {row['image_id']}"}
        for row in chosen.to_dict("records")
    ]


def _synthetic(pool: Path, kind: str, rows: pd.DataFrame, count: int) -> list[dict[str, str]]:
    return [
        {
            "uri": data_uri(pool / row["path"]),
            "note": f"{kind}, {row['image_id']}, distance {number(row['nearest_real_distance'])} "
            f"to the nearest training image {row['nearest_real_id']}",
        }
        for row in spread(rows, count).to_dict("records")
    ]


def gallery(root: Path, manifest: pd.DataFrame, folds: pd.DataFrame, params: Params) -> list[Any]:
    """For every fold of folds.csv and every class: a row of real training images, and one a kind and selection of the study.

    Returns a list of {"fold", "classes": [{"name", "rows": [{"name", "images": [{"uri", "note"}]}]}]}.
    """
    pages, count = [], params.report.images_per_class
    for fold in sorted(folds["fold"].unique()):
        train = with_role(manifest, folds, fold, "train")
        kept = [
            (kind, methods, _kept(root, kind, fold, methods, params))
            for kind in params.generator.kinds
            for methods in sorted(selections(params), key=lambda methods: methods != NO_SELECTION)
        ]
        classes = []
        for label, name in enumerate(params.dataset.labels):
            rows = [{"name": "real", "images": _real(root / "data/crops", train[train["label"] == label], count)}]
            for kind, methods, images in kept:
                pool = root / f"data/pools/{kind}/fold{fold}"
                own = _synthetic(pool, kind, images[images["label"] == label], count)
                rows.append({"name": kind if methods == NO_SELECTION else f"{kind}, {methods}", "images": own})
            classes.append({"name": name, "rows": rows})
        pages.append({"fold": int(fold), "classes": classes})
    return pages


def _kept(root: Path, kind: str, fold: int, methods: str, params: Params) -> pd.DataFrame:
    selection = read_selection(root / f"data/selected/{kind}/fold{fold}")
    ledger = read_ledger(root / f"data/pools/{kind}/fold{fold}")
    kept = selection[rules.kept(selection, methods, params.selection)]
    return kept.merge(ledger[["image_id", "path"]], on="image_id").sort_values("image_id")


def tally(root: Path, folds: pd.DataFrame, kinds: list[str]) -> list[dict[str, Any]]:
    """Candidates, copies of training images and kept images, one row a kind and fold."""
    rows = []
    for kind in kinds:
        for fold in sorted(folds["fold"].unique()):
            selection = read_selection(root / f"data/selected/{kind}/fold{fold}")
            kept = int(selection["kept"].sum())
            rows.append(
                {
                    "kind": kind,
                    "fold": int(fold),
                    "candidates": len(selection),
                    "copies": int(selection["copy"].sum()),
                    "kept": kept,
                    "acceptance": share(kept, len(selection)),
                    "distance": number(selection["nearest_real_distance"].median()),
                }
            )
    return rows
