"""Everything that descends from a patient, out by out, and the stages that would make it anew without them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from synthtrace.lineage.pipeline import upstream, within
from synthtrace.lineage.study import Study, Trainings
from synthtrace.lineage.trace.target import numbers
from synthtrace.lineage.withdraw import tables
from synthtrace.lineage.withdraw.models import find_models
from synthtrace.lineage.withdraw.patient import Patient
from synthtrace.lineage.withdraw.tables import Counts
from synthtrace.scans.withdrawn import WITHDRAWN


@dataclass(frozen=True)
class Entry:
    """What of one out descends: `counts` are figures by the words that say what is counted, the whole first."""

    group: str
    path: str
    counts: Counts = field(default_factory=dict)


@dataclass(frozen=True)
class Descent:
    """`entries` in the order of the pipeline, `stages` to run again in the lock's; `absent` outs could not be read."""

    entries: list[Entry]
    stages: list[str]
    absent: list[str]


def descent(study: Study, patient: Patient) -> Descent:
    """What descends from a patient by tables and cards; raises InputError for one that is damaged."""
    stages = rerun(study)
    outs = [out for stage in stages for out in study.lock[stage].outs]
    there = [out for out in outs if study.path(out).exists()]
    models = find_models(study, patient)
    entries = [Entry("checkpoints", path, counts) for path, counts in models.counts.items()]
    synthetic: set[str] = set()
    for out in there:
        if (study.path(out) / "ledger.parquet").is_file():
            counts, ids = tables.pool(study, out, patient, models)
            synthetic |= ids
            entries.append(Entry("pools", out, counts))
    for out in there:
        folder = study.path(out)
        if (folder / "candidates.parquet").is_file():
            entries.append(Entry("scores", out, tables.candidates(study, out, patient, models, synthetic)))
        elif (folder / "selection.parquet").is_file():
            entries.append(Entry("selections", out, tables.selection(study, out, patient, synthetic)))
        elif (folder / "explanations.parquet").is_file():
            entries.append(Entry("explanations", out, tables.explanations(study, out, patient, synthetic)))
        elif (folder / "manifest.csv").is_file():
            counts = tables.images(folder, patient)
            if counts["theirs"]:
                entries.append(Entry(Path(out).name, out, counts))
        elif folder.name == "folds.csv":
            entries.append(Entry("folds", out, tables.folds(folder, patient)))
    for trainings in study.trainings:
        entries += _trainings(study, trainings, patient, synthetic)
    entries = [entry for entry in entries if any(list(entry.counts.values())[1:])]
    if entries:
        entries += _figures(study, there)
    entries.sort(key=lambda entry: next((place for place, out in enumerate(outs) if within(entry.path, out)), -1))
    return Descent(entries, stages, [out for out in outs if out not in there])


def _trainings(study: Study, trainings: Trainings, patient: Patient, synthetic: set[str]) -> Iterator[Entry]:
    """What some trainings learnt from and predicted, of the tables that are there."""
    trained = None
    if study.path(trainings.drawn).is_file():
        counts, trained = tables.classifiers(study, trainings, patient, synthetic)
        yield Entry("classifiers", trainings.folder, counts)
    if study.path(trainings.predictions).is_file():
        yield Entry("predictions", trainings.predictions, tables.predictions(study, trainings, patient, trained))


def rerun(study: Study) -> list[str]:
    """Stages that read the list of withdrawn images, directly or through others, by the lock's graph."""
    first = {name for name, stage in study.lock.items() if WITHDRAWN.as_posix() in stage.deps}
    return [name for name in study.lock if name in first or first & set(upstream(study.lock, name))]


def _figures(study: Study, outs: list[str]) -> list[Entry]:
    """Numbers, plots and pages: they tell of everybody at once."""
    found = []
    for out in outs:
        if out.startswith("metrics/") and out.endswith(".json"):
            found.append(Entry("numbers", out, {"numbers": len(numbers(study, out))}))
        elif out.startswith(("report/", "plots/")):
            found.append(Entry(Path(out).parts[0], out))
    return found
