"""Every pool image has one row in the ledger and one in the selection, and these say what the file and its generator are.

A counterfeit image with a consistent row is not found here but by `replay`, which draws it again.
"""

from collections.abc import Iterator
from functools import partial

from synthtrace.errors import InputError
from synthtrace.lineage.candidates import files_right, generator_there, rows_right, selection_right
from synthtrace.lineage.findings import Finding, SkippedError, fail, listed
from synthtrace.lineage.study import Study, Trainings
from synthtrace.stage import progress

PROMISE = "pool files, ledger and selection rows in bijection, digests equal, every row's checkpoint there"


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
        ids = synthetic.loc[synthetic["fold"] == fold, "image_id"].drop_duplicates()
        selection = study.selection(kind, fold)
        kept = selection.loc[selection["kept"].astype(bool), "image_id"]
        for wrong, what in (
            (ids[~ids.isin(study.ledger(kind, fold)["image_id"])], "which no row of the ledger names"),
            (ids[ids.isin(selection["image_id"]) & ~ids.isin(kept)], "which the selection did not keep"),
        ):
            if len(wrong):
                yield fail(f"{name}: the classifiers of fold {fold} drew {listed(wrong, 3)}, {what}")
