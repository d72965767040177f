"""Where a scenario's images come from, fold by fold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.classify.mixing import LabelledImages, draw, mixed_in, traditional
from synthtrace.images import load_stack
from synthtrace.params import REAL, TRADITIONAL, Classifier, Params
from synthtrace.seeds import Seeds
from synthtrace.selection import rules
from synthtrace.tables import read_candidates, read_ledger, read_selection, with_role

CROPS = Path("data/crops")


@dataclass(frozen=True)
class FoldData:
    """One fold of a scenario: real training images, test images with their patients, and what a seed mixes in.

    `mixed(selection, seed)` holds the images of the largest mixing rate, of what a recipe's selection keeps; a smaller rate
    takes the first of them. `different`: how many images all selections and seeds draw from (a pool), or one seed has (random
    crops, which no two seeds share).
    """

    fold: int
    train: LabelledImages
    test: LabelledImages
    test_patients: list[str]
    mixed: Callable[[str | None, int], LabelledImages] | None = None
    different: int = 0


def candidates_for(selection: str | None, kind: str, fold: int, params: Params) -> pd.DataFrame:
    """A pool's candidates with `kept` (bool): as its selection table says, or by a recipe's own `selection` of the scores."""
    if selection is None:
        return read_selection(Path(f"data/selected/{kind}/fold{fold}"))
    table = read_candidates(Path(f"data/scored/{kind}/fold{fold}"))
    return table.assign(kept=rules.kept(table, selection, params.selection))


def stage_name(stem: str, scenario: str) -> str:
    """As dvc.yaml names a scenario's stage: `real` and `traditional` have one of their own, and there is one a kind."""
    return f"{stem}_{scenario}" if scenario in (REAL, TRADITIONAL) else f"{stem}@{scenario}"


def fold_numbers(folds: pd.DataFrame) -> list[int]:
    """The folds of a table of folds, in order."""
    return sorted(int(fold) for fold in folds["fold"].unique())


def read_by(scenario: str, selections: set[str | None], settings: Classifier) -> list[Path]:
    """The files and folders that recipes with these selections read for a scenario, beside the table of folds."""
    inputs = [CROPS / "manifest.csv", CROPS / "images"]
    if not settings.mixes(scenario):
        return inputs
    if scenario == TRADITIONAL:
        return [*inputs, CROPS / "native"]
    chosen = {"selected" if selection is None else "scored" for selection in selections}
    return [*inputs, Path(f"data/pools/{scenario}"), *(Path(f"data/{name}/{scenario}") for name in sorted(chosen))]


def fold_data(
    scenario: str,
    fold: int,
    rate: float,
    selections: set[str | None],
    manifest: pd.DataFrame,
    folds: pd.DataFrame,
    params: Params,
) -> FoldData:
    """Load one fold of a scenario, for mixing rates up to `rate` and these selections of recipes."""
    rows, test_rows = with_role(manifest, folds, fold, "train"), with_role(manifest, folds, fold, "test")
    mixed, different = _mixed(scenario, fold, rows, mixed_in(rate, len(rows)), selections, params)
    return FoldData(
        fold=fold,
        train=_load(rows, "path", params),
        test=_load(test_rows, "path", params),
        test_patients=test_rows["patient_id"].astype(str).tolist(),
        mixed=mixed,
        different=different,
    )


def _mixed(
    scenario: str, fold: int, rows: pd.DataFrame, count: int, selections: set[str | None], params: Params
) -> tuple[Callable[[str | None, int], LabelledImages] | None, int]:
    settings, seeds = params.classifier, Seeds(params.seed)
    if not settings.mixes(scenario):
        return None, 0
    if scenario == TRADITIONAL:
        native, size = _load(rows, "native_path", params), params.preprocess.image_size
        return lambda _, seed: traditional(native, size, count, settings, seeds.stream("traditional", fold, seed)), count
    pool, kept = _load_pool(scenario, fold, selections, params)
    return (
        lambda selection, seed: pool.take(
            draw(pool.labels, kept[selection], count, seeds.stream("draw", scenario, fold, seed))
        ),
        len(pool.labels),
    )


def _load(rows: pd.DataFrame, column: str, params: Params) -> LabelledImages:
    images = load_stack([CROPS / path for path in rows[column]], params.preprocess.channels)
    return LabelledImages(images, rows["label"].to_numpy(dtype=np.int64, copy=True), rows["image_id"].astype(str).tolist())


def _load_pool(
    kind: str, fold: int, selections: set[str | None], params: Params
) -> tuple[LabelledImages, dict[str | None, np.ndarray]]:
    """A pool, in the ledger's order, and which of it each of the selections keeps (bool)."""
    folder = Path(f"data/pools/{kind}/fold{fold}")
    ledger = read_ledger(folder)
    kept = {}
    for selection in selections:
        table = candidates_for(selection, kind, fold, params)
        kept[selection] = ledger["image_id"].isin(table.loc[table["kept"].astype(bool), "image_id"]).to_numpy()
    images = load_stack([folder / path for path in ledger["path"]], params.preprocess.channels)
    labels, ids = ledger["label"].to_numpy(dtype=np.int64, copy=True), ledger["image_id"].astype(str).tolist()
    return LabelledImages(images, labels, ids), kept
