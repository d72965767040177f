"""Which real images the classifiers drew, and which ones pools and selections took as condition or as nearest."""

from collections.abc import Iterator

import pandas as pd

from synthtrace.lineage.findings import Finding, fail, listed
from synthtrace.lineage.roles import Sides, told
from synthtrace.lineage.run import Run
from synthtrace.lineage.study import Study, Trainings
from synthtrace.params import TRADITIONAL

# ids of random crops: their image's, and a running number
CROP = r"~\d+$"
NEAREST = ("nearest_real_id", "embedding_nearest_id", "nearest_mask_id")


def original_ids(drawn: pd.Series, scenario: str) -> pd.Series:
    """Ids of training.parquet without the running number that random crops of the scenario `traditional` bear."""
    ids = drawn.astype(str)
    return ids.str.replace(CROP, "", regex=True) if scenario == TRADITIONAL else ids


def drawn_by_classifiers(study: Study, folds: dict[int, Sides], trainings: Trainings) -> Iterator[Finding]:
    """What some trainings drew: training images of their fold, and synthetic ones of its pool alone.

    A synthetic image that no pool knows, or that was not kept, is left to the check `ledger`.
    """
    name, scenario = trainings.drawn, trainings.scenario
    table = study.drawn(trainings)
    table = table.assign(original=original_ids(table["image_id"], scenario))
    known = set(study.manifest["image_id"].astype(str))
    pools = _pools(study, folds, scenario) if scenario in study.kinds else None
    for fold in table["fold"].unique():
        rows, side = table[table["fold"] == fold], folds.get(fold)
        if side is None:
            yield fail(f"{name}: holds trainings of fold {fold}, which folds.csv lacks")
            continue
        ids = rows["original"].drop_duplicates()
        real = ids[ids.isin(known)]
        yield from training_only(f"{name}: the classifiers of fold {fold} drew", real[~real.isin(side.train)], side)
        others = ids[~ids.isin(known)]
        strange = [image_id for image_id in others if pools is None or pools.get(image_id, fold) != fold]
        if strange:
            expected = f"training images of the fold{' and candidates of its pool' if pools else ''}"
            yield fail(f"{name}: the classifiers of fold {fold} drew {listed(strange, 3)}; expected {expected} alone")
    yield from _runs(study, table, trainings)


def _pools(study: Study, folds: dict[int, Sides], kind: str) -> dict[str, int]:
    """The fold of every candidate of a kind."""
    return {str(image_id): fold for fold in folds for image_id in study.ledger(kind, fold)["image_id"]}


def _runs(study: Study, table: pd.DataFrame, trainings: Trainings) -> Iterator[Finding]:
    names = [*trainings.told_by, "fold"]
    predicted = study.predicted(trainings)[names].drop_duplicates()
    both = predicted.merge(table[names].drop_duplicates(), how="left", indicator=True)
    for row in both.loc[both["_merge"] == "left_only", names].itertuples(index=False):
        yield fail(f"{trainings.drawn}: no row says what {told(names, row)} drew; its predictions are there")


def conditions(study: Run, kind: str, side: Sides) -> Iterator[Finding]:
    """A pool's maps and a selection's nearest images: training images of the fold alone."""
    pool, selected = f"data/pools/{kind}/fold{side.fold}", f"data/selected/{kind}/fold{side.fold}"
    ledger = study.ledger(kind, side.fold)
    maps = ledger["condition_image_id"].dropna().astype(str)
    yield from training_only(f"{pool}/ledger.parquet: conditions came from", maps[~maps.isin(side.train)], side)
    selection = study.selection(kind, side.fold)
    for column in NEAREST:
        if column in selection.columns:
            nearest = selection[column].dropna().astype(str)
            wrong = nearest[~nearest.isin(side.train)]
            yield from training_only(f"{selected}/selection.parquet: {column} names", wrong, side)


def training_only(what: str, wrong: pd.Series, side: Sides) -> Iterator[Finding]:
    """One finding on images that are none of a fold's training images, named after `what` they did."""
    ids = list(dict.fromkeys(wrong))
    if ids:
        yield fail(f"{what} {side.shown(ids)}; expected training images of the fold")
