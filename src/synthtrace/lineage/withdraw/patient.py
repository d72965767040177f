"""Who is withdrawn: a patient's images, in the data set as it lies there and in data/scans."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import pixel_hash
from synthtrace.lineage.study import Study
from synthtrace.scans import read_source
from synthtrace.scans.manifest import Source, build_manifest
from synthtrace.tables import read_manifest

SCANS = "data/scans"
NEAREST = 4


@dataclass(frozen=True)
class Patient:
    """A patient of the study.

    Attributes:
        id: as the data set writes it.
        labels: names of the classes of the images.
        image_ids: of every image, by which all tables and folders know them.
        pixel_hashes: of every image, by which `ingest` knows them.
        source: the data set as it lies there; None when it cannot be read, and `unread` says why.
        rows: positions of the patient's images in `source.table`.
        twins: other patients' images in data/scans with the same pixels, counted by patient: they leave the study too.
    """

    id: str
    labels: list[str]
    image_ids: frozenset[str]
    pixel_hashes: frozenset[str]
    source: Source | None
    unread: str | None
    rows: list[int]
    twins: dict[str, int]


def find_patient(study: Study, patient_id: str) -> Patient:
    """A patient by the id that manifests use; raises InputError that names the nearest known ids when there is none.

    Images of the data set are hashed anew, so that one which came after the last run is withdrawn as well.
    """
    manifests, source, unread = [], None, None
    dataset = study.params.dataset
    try:
        source = read_source(dataset.model_copy(update={"path": str(study.root / dataset.path)}))
        manifests.append(build_manifest(source, dataset))
    except InputError as error:
        unread = str(error)
    scans = None
    if (study.path(SCANS) / "manifest.csv").is_file():
        scans = read_manifest(study.path(SCANS))
        manifests.append(scans)
    if not manifests:
        raise InputError(f"{unread}; and {SCANS} is not there either, so that no patient is known")
    found = [table[table["patient_id"].astype(str) == patient_id] for table in manifests]
    if all(rows.empty for rows in found):
        raise InputError(f"{patient_id}: no patient of {dataset.path}; {_nearest(patient_id, manifests)}")
    rows = found[0].index.tolist() if source else []
    hashes = {pixel_hash(source.image(row)) for row in rows} if source else set()
    if scans is not None:
        hashes |= set(found[-1]["pixel_hash"])
    every = pd.concat(found)
    return Patient(
        id=patient_id,
        labels=sorted(set(every["label_name"])),
        image_ids=frozenset(every["image_id"].astype(str)),
        pixel_hashes=frozenset(hashes),
        source=source,
        unread=unread,
        rows=rows,
        twins=_twins(scans, patient_id, hashes),
    )


def _twins(scans: pd.DataFrame | None, patient_id: str, hashes: set[str]) -> dict[str, int]:
    if scans is None:
        return {}
    others = scans[scans["pixel_hash"].isin(hashes) & (scans["patient_id"].astype(str) != patient_id)]
    return {str(name): len(rows) for name, rows in others.groupby("patient_id")}


def _nearest(patient_id: str, manifests: list[pd.DataFrame]) -> str:
    known = sorted({str(one) for table in manifests for one in table["patient_id"]})
    near = difflib.get_close_matches(patient_id, known, NEAREST, 0.5)
    return (
        f"nearest are {', '.join(near)}" if near else f"expected one of its {len(known)}, such as {', '.join(known[:NEAREST])}"
    )


def files_of(patient: Patient) -> list[Path]:
    """Files of the data set with the patient's images or masks and nobody else's; [] for a data set that is a single file."""
    folder = source_folder(patient)
    if patient.source is None or folder is None:
        return []
    table = patient.source.table
    columns = [name for name in ("original_path", "mask_path") if name in table]
    own, others = table.loc[patient.rows, columns], table.drop(patient.rows)[columns]
    shared = {folder / path for column in columns for path in others[column].dropna()}
    files = {folder / path for column in columns for path in own[column].dropna()} - shared
    return sorted(path for path in files if path.is_file())


def source_folder(patient: Patient) -> Path | None:
    """The folder that paths of the data set's table are relative to; None for one that is a single file."""
    if patient.source is None:
        return None
    where = Path(patient.source.where)
    folder = where.parent if where.name == "manifest.csv" else where
    return folder if folder.is_dir() else None
