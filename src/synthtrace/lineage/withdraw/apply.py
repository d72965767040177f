"""Take a patient out of the study: all of it or, when anything fails, nothing."""

import datetime
import json
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthtrace.errors import InputError
from synthtrace.lineage.leaves import Import, imported, imports, outside
from synthtrace.lineage.pipeline import producer, read_yaml
from synthtrace.lineage.run import read_json
from synthtrace.lineage.study import Study
from synthtrace.lineage.withdraw.dataset import build_without
from synthtrace.lineage.withdraw.patient import Patient
from synthtrace.lineage.withdraw.swap import aside, discard, recover, replace, swap
from synthtrace.scans.withdrawn import WITHDRAWN, read_withdrawn


@dataclass(frozen=True)
class Applied:
    """What was done: the entry that is new on the list, sentences on the data set, files that Git should take."""

    tombstone: dict[str, Any] | None
    source: list[str]
    changed: list[str]


def data_set(study: Study) -> Import | str:
    """The data set as DVC keeps it, where images can be taken out of it; else a sentence's end that says why not."""
    path = Path(os.path.relpath(study.root / study.params.dataset.path, study.root)).as_posix()
    made = producer(study.locked, path)
    if made:
        return f"is made anew by `{made[0]}`, which knows of no withdrawal"
    if outside(study, path):
        return "lies outside the repository and is left as it is"
    if study.params.dataset.kind == "byra":
        return "holds everybody's images in one file and is left as it is"
    known = imported(imports(study), path)
    if known is None:
        return "has no .dvc file and is left as it is"
    if read_yaml(study.root / known.file).get("deps"):
        return f"was imported from elsewhere by {known.file} and is left as it is"
    return known


def mend(study: Study) -> None:
    """Undo what a withdrawal that was killed may have left half-done to the data set."""
    known = data_set(study)
    if isinstance(known, Import):
        recover(study.root / known.path)


def apply(study: Study, patient: Patient) -> Applied:
    """Put the patient's images on the list of withdrawn ones and, where the data set is DVC's, take them out of it.

    The list comes first: killed in between, the study leaves the images out all the same, and the command can be repeated.
    Raises InputError, with everything as it was, when a step fails.
    """
    path = study.path(WITHDRAWN.as_posix())
    new = sorted(patient.pixel_hashes - read_withdrawn(path))
    tombstone = {"withdrawn": _today(), "images": len(new), "pixel_hashes": new} if new else None
    known = data_set(study)
    taken = known if isinstance(known, Import) and patient.rows else None
    with ExitStack() as undo:
        try:
            if tombstone:
                undo.callback(replace, path, path.read_bytes())
                replace(path, (json.dumps([*read_json(path), tombstone], indent=2) + "\n").encode())
            if taken:
                tracked = study.root / taken.path
                build_without(patient, study.params.dataset, tracked, aside(tracked, "new"))
                swap(study, tracked, study.root / taken.file, undo)
        except OSError as error:
            raise InputError(f"{error.filename or study.root}: {error.strerror}; nothing was changed") from None
        undo.pop_all()
    changed = [WITHDRAWN.as_posix()] if tombstone else []
    if taken:
        left = discard(study.root / taken.path)
        return Applied(tombstone, [_taken_out(study, patient), *([left] if left else [])], [*changed, taken.file])
    return Applied(tombstone, [_left(study, patient, known)], changed)


def _taken_out(study: Study, patient: Patient) -> str:
    given, count = study.params.dataset.path, len(patient.rows)
    return f"{given}: {count} images with their rows were taken out, and `dvc add` took the rest anew"


def _left(study: Study, patient: Patient, known: Import | str) -> str:
    given = study.params.dataset.path
    if isinstance(known, Import):
        return f"{given} " + ("could not be read and is left as it is" if patient.unread else "holds no image of them any more")
    return f"{given} {known}; `ingest` leaves the images out by their pixels"


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()
