"""Every pool image has one row in the ledger, the scores and the selection, which say what file and generator are.

A counterfeit image with a consistent row is not found here but by `replay`, which draws it again.
"""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.lineage.candidates import files_right, generator_there, rows_right, selection_right
from synthtrace.lineage.findings import Finding, SkippedError, fail, listed
from synthtrace.lineage.pipeline import producer
from synthtrace.lineage.study import Study, Trainings
from synthtrace.selection import rules
from synthtrace.stage import progress
from synthtrace.tables import read_unfilled

PROMISE = "pool files, ledger, scores and selection in bijection, digests equal, every row's checkpoint there, kept by the rule"


def check(study: Study) -> Iterator[Finding]:
    """Judge every pool, then what the classifiers drew from it; a table that cannot be read is a finding."""
    if study.evidence:
        raise SkippedError("evidence holds no pools")
    pools = [(kind, fold) for kind in study.kinds for fold in study.fold_numbers]
    for kind, fold in progress(pools, "ledger", unit="pool"):
        try:
            yield from _pool(study, kind, fold)
        except (InputError, OSError) as error:
            yield fail(str(error))
    for trainings in study.trainings:
        try:
            if trainings.scenario in study.kinds:
                yield from _drawn(study, trainings)
                yield from _unfilled(study, trainings)
        except (InputError, OSError) as error:
            yield fail(str(error))


def _pool(study: Study, kind: str, fold: int) -> Iterator[Finding]:
    ledger = study.ledger(kind, fold)
    for part in (
        partial(rows_right, study, kind, fold, ledger),
        partial(files_right, study.pool(kind, fold), f"data/pools/{kind}/fold{fold}", ledger),
        partial(generator_there, study, kind, fold, ledger),
        partial(selection_right, study, kind, fold, ledger),
    ):
        try:
            yield from part()
        except (InputError, OSError) as error:
            yield fail(str(error))


def _drawn(study: Study, trainings: Trainings) -> Iterator[Finding]:
    """What classifiers drew besides real images is in the ledger of its fold, and kept."""
    name, kind = trainings.drawn, trainings.scenario
    drawn = study.drawn(trainings)
    synthetic = drawn[~drawn["image_id"].isin(study.manifest["image_id"])]
    for fold in synthetic["fold"].unique():
        of_fold = synthetic[synthetic["fold"] == fold]
        ids = of_fold["image_id"].drop_duplicates()
        wrong = ids[~ids.isin(study.ledger(kind, fold)["image_id"])]
        if len(wrong):
            yield fail(f"{name}: the classifiers of fold {fold} drew {listed(wrong, 3)}, which no row of the ledger names")
        parts: list[tuple[str | None, pd.DataFrame]] = [(None, of_fold)]
        if "selection" in of_fold:
            parts = [(str(name), rows) for name, rows in of_fold.groupby("selection")]
        for methods, rows in parts:
            ids, table = rows["image_id"].drop_duplicates(), _candidates(study, trainings, int(fold), methods)
            wrong = ids[ids.isin(table.loc[~table["kept"].astype(bool), "image_id"])]
            if len(wrong):
                what = "the selection" if methods is None else f"the selection {methods!r}"
                yield fail(f"{name}: the classifiers of fold {fold} drew {listed(wrong, 3)}, which {what} did not keep")


def _unfilled(study: Study, trainings: Trainings) -> Iterator[Finding]:
    """What the curve leaves out because a selection kept too few of a class: that it did, and how many it kept."""
    if "selection" not in trainings.told_by:
        return
    table = read_unfilled(study.path(trainings.folder))
    for _, row in table.iterrows():
        table = _candidates(study, trainings, int(row["fold"]), str(row["selection"]))
        of_class = table[table["label"] == row["label"]]
        kept, candidates = int(of_class["kept"].astype(bool).sum()), len(of_class)
        if (kept, candidates) != (row["kept"], row["candidates"]):
            yield fail(
                f"{trainings.folder}/unfilled.csv: of {row['candidates']} of class {row['label']} in fold {row['fold']} "
                f"the selection {row['selection']!r} kept {row['kept']}; found {kept} of {candidates}, with {row['needed']} "
                "needed"
            )


def _candidates(study: Study, trainings: Trainings, fold: int, methods: str | None) -> pd.DataFrame:
    """Candidates with `kept`: as the selection says, or by the curve's own methods, with the thresholds that it ran with."""
    if methods is None:
        return study.selection(trainings.scenario, fold)
    table, stage = study.candidates(trainings.scenario, fold), producer(study.lock, trainings.folder)
    settings = study.params_of(stage[0]).selection if stage else study.params.selection
    return table.assign(kept=rules.kept(table, methods, settings))
