"""Where a scenario's images come from, fold by fold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.classify.mixing import LabelledImages, check_pool, draw, mixed_in, traditional
from synthtrace.images import load_stack
from synthtrace.params import REAL, TRADITIONAL, Params
from synthtrace.seeds import Seeds
from synthtrace.tables import read_ledger, read_selection, with_role

CROPS = Path("data/crops")


@dataclass(frozen=True)
class FoldData:
    """One fold of a scenario: real training images, test images with their patients, and what a seed mixes in.

    `mixed(seed)` holds the images of the largest mixing rate; a smaller rate takes the first of them. `different`: how many
    images all seeds draw from (a pool), or one seed has (random crops, which no two seeds share).
    """

    fold: int
    train: LabelledImages
    test: LabelledImages
    test_patients: list[str]
    mixed: Callable[[int], LabelledImages] | None = None
    different: int = 0


def check_pools(kind: str, rate: float, parameter: str, manifest: pd.DataFrame, folds: pd.DataFrame) -> None:
    """Check every fold's pool against the largest mixing rate, of `parameter`, before the first training; raises InputError."""
    for fold in fold_numbers(folds):
        needed = mixed_in(rate, len(with_role(manifest, folds, fold, "train")))
        check_pool(read_selection(Path(f"data/selected/{kind}/fold{fold}")), needed, kind, fold, f"{parameter} {rate}")


def stage_name(stem: str, scenario: str) -> str:
    """As dvc.yaml names a scenario's stage: `real` and `traditional` have one of their own, and there is one a kind."""
    return f"{stem}_{scenario}" if scenario in (REAL, TRADITIONAL) else f"{stem}@{scenario}"


def fold_numbers(folds: pd.DataFrame) -> list[int]:
    """The folds of a table of folds, in order."""
    return sorted(int(fold) for fold in folds["fold"].unique())


def read_by(scenario: str) -> list[Path]:
    """The files and folders whose images the classifiers of a scenario read, beside the table of folds."""
    inputs = [CROPS / "manifest.csv", CROPS / "images"]
    if scenario == TRADITIONAL:
        return [*inputs, CROPS / "native"]
    return inputs if scenario == REAL else [*inputs, Path(f"data/pools/{scenario}"), Path(f"data/selected/{scenario}")]


def fold_data(scenario: str, fold: int, rate: float, manifest: pd.DataFrame, folds: pd.DataFrame, params: Params) -> FoldData:
    """Load one fold of a scenario, for mixing rates up to `rate`."""
    rows, test_rows = with_role(manifest, folds, fold, "train"), with_role(manifest, folds, fold, "test")
    mixed, different = _mixed(scenario, fold, rows, mixed_in(rate, len(rows)), params)
    return FoldData(
        fold=fold,
        train=_load(rows, "path", params),
        test=_load(test_rows, "path", params),
        test_patients=test_rows["patient_id"].astype(str).tolist(),
        mixed=mixed,
        different=different,
    )


def _mixed(
    scenario: str, fold: int, rows: pd.DataFrame, count: int, params: Params
) -> tuple[Callable[[int], LabelledImages] | None, int]:
    if scenario == REAL:
        return None, 0
    seeds = Seeds(params.seed)
    if scenario == TRADITIONAL:
        native, size = _load(rows, "native_path", params), params.preprocess.image_size
        settings = params.classifier
        return lambda seed: traditional(native, size, count, settings, seeds.stream("traditional", fold, seed)), count
    pool = _load_pool(scenario, fold, params)
    return lambda seed: draw(pool, count, seeds.stream("draw", scenario, fold, seed)), len(pool.labels)


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
