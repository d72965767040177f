"""`synthtrace withdraw PATIENT [--apply]`."""

from collections.abc import Iterator

from synthtrace.errors import InputError
from synthtrace.folds import split_folds
from synthtrace.lineage.study import Study
from synthtrace.lineage.withdraw.apply import apply, mend
from synthtrace.lineage.withdraw.cached import held
from synthtrace.lineage.withdraw.descent import descent
from synthtrace.lineage.withdraw.patient import SCANS, Patient, files_of, find_patient
from synthtrace.lineage.withdraw.traces import traces
from synthtrace.lineage.withdraw.words import applied_lines, descent_lines, left_lines
from synthtrace.scans.withdrawn import WITHDRAWN, read_withdrawn, without_withdrawn
from synthtrace.seeds import Seeds
from synthtrace.tables import read_manifest


def withdraw(study: Study, patient_id: str, applying: bool) -> Iterator[str]:
    """Say, line by line, what descends from a patient; when `applying`, take them out and say where traces remain.

    Raises InputError for an unknown patient, and when a step of taking them out failed: then nothing was changed.
    """
    if applying:
        mend(study)
    patient = find_patient(study, patient_id)
    yield from descent_lines(patient, descent(study, patient), len(study.lock))
    problem = infeasible(study, patient)
    if problem:
        yield f"warning: without them `dvc repro` will stop: {problem}"
    if not applying:
        listed = patient.pixel_hashes <= read_withdrawn(study.path(WITHDRAWN.as_posix()))
        yield ""
        yield "nothing was changed; " + (
            "their images are on the list of withdrawn ones already"
            if listed
            else f"`synthtrace withdraw {patient_id} --apply` takes them out"
        )
        return
    raw = {study.hasher.file(path) for path in files_of(patient)}
    done = apply(study, patient)
    yield from applied_lines(done)
    yield from left_lines(held(study, patient, raw), traces(study, patient.image_ids), done.changed)


def infeasible(study: Study, patient: Patient) -> str | None:
    """Why folds cannot be made of who remains, in the words of the stage that would stop; None when they can."""
    if not (study.path(SCANS) / "manifest.csv").is_file():
        return None
    params = study.params
    try:
        withdrawn = read_withdrawn(study.path(WITHDRAWN.as_posix())) | patient.pixel_hashes
        remaining = without_withdrawn(read_manifest(study.path(SCANS)), withdrawn).reset_index(drop=True)
        left = set(range(len(params.dataset.labels))) - set(remaining["label"])
        if left:
            return f"class {params.dataset.labels[min(left)]!r} has no patient left"
        split_folds(remaining, params.split, Seeds(params.seed), params.dataset.patient_ids)
    except InputError as error:
        return str(error)
    return None
