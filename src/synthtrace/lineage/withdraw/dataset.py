"""A data set without some of its images: built aside from links to its files, and put in its place by two renames."""

import csv
import io
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from synthtrace.errors import InputError
from synthtrace.lineage.withdraw.patient import Patient, files_of, source_folder
from synthtrace.params import Dataset
from synthtrace.scans import read_source

MANIFEST = "manifest.csv"


def build_without(patient: Patient, dataset: Dataset, tracked: Path, target: Path) -> None:
    """Build at `target` what `tracked` (the data set's folder or one around it) holds, without the patient's files and rows.

    Raises InputError, and leaves nothing at `target`, when what was built does not read as the data set less these rows.
    """
    folder = source_folder(patient)
    assert folder is not None
    assert patient.source is not None
    gone = {str(path) for path in files_of(patient)}
    manifest = folder / MANIFEST
    try:
        shutil.copytree(
            tracked,
            target,
            symlinks=True,
            ignore=lambda above, names: {name for name in names if f"{above}{os.sep}{name}" in gone | {str(manifest)}},
            copy_function=_link,
        )
        place = target / folder.relative_to(tracked)
        if manifest.is_file():
            (place / MANIFEST).write_bytes(without_rows(manifest.read_bytes(), set(patient.rows)))
        _remove_emptied(gone, tracked, target)
        expected = patient.source.table.drop(patient.rows).reset_index(drop=True)
        found = read_source(dataset.model_copy(update={"path": str(place)})).table
        if not found.equals(expected):
            raise InputError(
                f"{folder}: leaving out the rows of {patient.id} gave another table than expected ({len(found)} rows, not "
                f"{len(expected)}); nothing was changed: take them out by hand"
            )
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def without_rows(content: bytes, rows: set[int]) -> bytes:
    """A CSV file's bytes without some records, counted from 0 below the header; all other lines keep their bytes."""
    lines = list(io.StringIO(content.decode("utf-8"), newline=""))
    reader = csv.reader(lines)
    kept: list[str] = []
    start, number = 0, -1
    for record in reader:
        span, start = lines[start : reader.line_num], reader.line_num
        blank = not "".join(record).strip() and len(record) < 2
        number += not blank
        if blank or number - 1 not in rows:
            kept += span
    return "".join(kept).encode()


def _link(source: str, target: str) -> None:
    """The same file under a second name: no byte is copied where the disk can do so."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _remove_emptied(gone: Iterable[str], tracked: Path, target: Path) -> None:
    """Remove folders that held nothing but removed files: their names may name the patient."""
    for path in gone:
        for above in Path(path).parents:
            if above == tracked or not above.is_relative_to(tracked):
                break
            place = target / above.relative_to(tracked)
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()
