"""Where a scenario's images come from, fold by fold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.classify.mixing import LabelledImages, check_pool, draw, mixed_in, traditional
from synthtrace.images import load_stack
from synthtrace.params import Params
from synthtrace.seeds import Seeds
from synthtrace.tables import read_ledger, read_selection, with_role

CROPS = Path("data/crops")

REAL, TRADITIONAL = "real", "traditional"


@dataclass(frozen=True)
class FoldData:
    """One fold of a scenario: real training images, test images with their patients, and what a seed mixes in."""

    fold: int
    train: LabelledImages
    test: LabelledImages
    test_patients: list[str]
    mixed: Callable[[int], LabelledImages] | None


def fold_data(scenario: str, fold: int, manifest: pd.DataFrame, folds: pd.DataFrame, params: Params) -> FoldData:
    """Load one fold.

    Raises:
        InputError: the pool holds fewer kept images than `mixing_rate` asks for.
    """
    train_rows = with_role(manifest, folds, fold, "train")
    test_rows = with_role(manifest, folds, fold, "test")
    return FoldData(
        fold=fold,
        train=_load(train_rows, "path", params),
        test=_load(test_rows, "path", params),
        test_patients=test_rows["patient_id"].astype(str).tolist(),
        mixed=_mixed(scenario, fold, train_rows, params),
    )


def check_rate(kind: str, manifest: pd.DataFrame, folds: pd.DataFrame, params: Params) -> None:
    """Check every fold's pool against `mixing_rate` before the first training; raises InputError."""
    for fold in sorted(folds["fold"].unique()):
        needed = mixed_in(params.mixing_rate, len(with_role(manifest, folds, fold, "train")))
        check_pool(read_selection(Path(f"data/selected/{kind}/fold{fold}")), needed, kind, int(fold), params.mixing_rate)


def _mixed(scenario: str, fold: int, rows: pd.DataFrame, params: Params) -> Callable[[int], LabelledImages] | None:
    if scenario == REAL:
        return None
    seeds, count = Seeds(params.seed), mixed_in(params.mixing_rate, len(rows))
    if scenario == TRADITIONAL:
        native = _load(rows, "native_path", params)
        size = params.preprocess.image_size
        return lambda seed: traditional(native, size, count, params.classifier, seeds.stream("traditional", fold, seed))
    pool = _load_pool(scenario, fold, params)
    return lambda seed: draw(pool, count, seeds.stream("draw", scenario, fold, seed))


def _load(rows: pd.DataFrame, column: str, params: Params) -> LabelledImages:
    images = load_stack([CROPS / path for path in rows[column]], params.preprocess.channels)
    return LabelledImages(images, rows["label"].to_numpy(dtype=np.int64, copy=True), rows["image_id"].astype(str).tolist())


def _load_pool(kind: str, fold: int, params: Params) -> LabelledImages:
    """The kept images of a pool."""
    folder = Path(f"data/pools/{kind}/fold{fold}")
    selection = read_selection(Path(f"data/selected/{kind}/fold{fold}"))
    ledger = read_ledger(folder)
    rows = ledger[ledger["image_id"].isin(selection.loc[selection["kept"], "image_id"])]
    if rows.empty:  # mixing_rate 0: nothing is drawn from it
        side = params.preprocess.image_size
        images = np.empty((0, params.preprocess.channels, side, side), dtype=np.uint8)
    else:
        images = load_stack([folder / path for path in rows["path"]], params.preprocess.channels)
    return LabelledImages(images, rows["label"].to_numpy(dtype=np.int64, copy=True), rows["image_id"].astype(str).tolist())
