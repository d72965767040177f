"""From any source of scans to one manifest: labels, patients, ids, and the checks that hold for all of them."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import pixel_hash, write_image
from synthtrace.params import Dataset
from synthtrace.tables import MANIFEST, MANIFEST_OPTIONAL, write_manifest

Reader = Callable[[int], np.ndarray]
Progress = Callable[[Iterable[int], str], Iterable[int]]

RESERVED = [*MANIFEST, *MANIFEST_OPTIONAL]


@dataclass(frozen=True)
class Source:
    """Scans as a source gives them.

    Attributes:
        name: short name of the source, part of every image id.
        where: the file or folder that errors name.
        table: one row an image. `label` (a class name or an integer) and `original_path` are always there; `patient_id`,
            `frame`, `grade`, `mask_path`, `group_id` where known; further columns ride along.
        row_names: what to call each row in an error.
        image: decodes the image of a row, uint8 (H, W) or (H, W, 3).
        mask: decodes the mask of a row that has a `mask_path`.
    """

    name: str
    where: str
    table: pd.DataFrame
    row_names: list[str]
    image: Reader
    mask: Reader | None = None


def slug(text: str) -> str:
    """Letters, digits, `_`, `.` and `-` only: safe in a file name, not starting with a dot."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).lstrip(".") or "_"


def riding_columns(table: pd.DataFrame, claimed: Iterable[str]) -> pd.DataFrame:
    """Columns of a foreign table that nobody claimed; one that bears a name of ours becomes `original_<name>`."""
    claimed = set(claimed)
    riding = table[[name for name in table.columns if name not in claimed]]
    return riding.rename(columns={name: f"original_{name}" for name in RESERVED})


def check_patients(manifest: pd.DataFrame, source: Source) -> None:
    """Raises InputError naming the first patient whose images bear two labels, and a row of each."""
    first: dict[str, int] = {}
    for row, (patient, label) in enumerate(zip(manifest["patient_id"], manifest["label"], strict=True)):
        other = first.setdefault(patient, row)
        if manifest["label"].iloc[other] != label:
            names = [f"{manifest['label_name'].iloc[i]!r} in {source.row_names[i]}" for i in (other, row)]
            raise InputError(f"{source.where}: patient {patient!r} has two labels, {names[0]} and {names[1]}; expected one")


def _labels(source: Source, names: list[str]) -> list[int]:
    labels = []
    for row, given in enumerate(source.table["label"]):
        text = "" if pd.isna(given) else str(given).strip()
        if text in names:
            labels.append(names.index(text))
        elif re.fullmatch(r"\d+(\.0+)?", text) and int(float(text)) < len(names):
            labels.append(int(float(text)))
        else:
            raise InputError(
                f"{source.where}: {source.row_names[row]} has label {text!r}; expected one of dataset.labels "
                f"({', '.join(names)}) or its position from 0"
            )
    return labels


def _frames(source: Source, patients: pd.Series) -> list[int]:
    if "frame" not in source.table:  # none given: the order of a patient's rows
        return patients.groupby(patients, dropna=False).cumcount().tolist()
    frames = pd.to_numeric(source.table["frame"], errors="coerce")
    for row, frame in enumerate(frames):
        if pd.isna(frame) or frame != int(frame):
            found = source.table["frame"].iloc[row]
            raise InputError(f"{source.where}: {source.row_names[row]} has frame {found!r}; expected an integer")
    return frames.astype(int).tolist()


def _patients(source: Source, dataset: Dataset) -> pd.Series:
    if "patient_id" not in source.table:
        if dataset.patient_ids == "manifest":
            raise InputError(
                f"{source.where}: the data set gives no patient ids, but dataset.patient_ids is 'manifest'; set it to 'none', "
                "or name the column in dataset.columns.patient_id"
            )
        return pd.Series([""] * len(source.table), dtype="str")
    patients = source.table["patient_id"].astype("string").fillna("").str.strip().astype("str")
    empty = [row for row, patient in enumerate(patients) if not patient]
    if empty and dataset.patient_ids == "manifest":
        raise InputError(f"{source.where}: {source.row_names[empty[0]]} has no patient id; expected one in every row")
    return patients


def _image_id(source: str, patient: str, frame: int, path: str) -> str:
    """Readable where it can be; the hash of all four parts, unharmed by `slug`, keeps it unique."""
    digest = hashlib.sha256("\0".join([source, patient, str(frame), path]).encode()).hexdigest()[:8]
    middle = f"{slug(patient)}-" if patient else ""
    return f"{slug(source)}-{middle}{frame:03d}-{digest}"


def build_manifest(source: Source, dataset: Dataset) -> pd.DataFrame:
    """The manifest of a source without `pixel_hash`; `path` and `mask_path` are where `write_scans` will put the files.

    A data set without patient ids (`dataset.patient_ids: none`) gets `group_id`, or else the image's own id, as `patient_id`.

    Raises:
        InputError: no rows, a label outside dataset.labels, a patient without an id or with two labels (where patient ids
            count), a path twice, a frame that is no integer.
    """
    table = source.table.reset_index(drop=True)
    if table.empty:
        raise InputError(f"{source.where}: the data set is empty; expected at least one image")
    duplicates = table["original_path"].duplicated()
    if duplicates.any():
        row = int(duplicates.to_numpy().argmax())
        raise InputError(f"{source.where}: {source.row_names[row]} names {table['original_path'][row]!r} a second time")
    labels = _labels(source, dataset.labels)
    patients = _patients(source, dataset)
    frames = _frames(source, patients)
    image_ids = [
        _image_id(source.name, *parts) for parts in zip(patients, frames, table["original_path"].astype(str), strict=True)
    ]
    own = table["group_id"].fillna("").astype("str") if "group_id" in table else pd.Series([""] * len(table))
    patients = pd.Series([p or group or i for p, group, i in zip(patients, own, image_ids, strict=True)])
    manifest = pd.DataFrame(
        {
            "image_id": image_ids,
            "path": [f"images/{image_id}.png" for image_id in image_ids],
            "patient_id": patients,
            "label": labels,
            "label_name": [dataset.labels[label] for label in labels],
            "frame": frames,
            "source": source.name,
        }
    )
    if dataset.patient_ids == "manifest":
        check_patients(manifest, source)
    for name in ("grade", "group_id"):
        if name in table:
            manifest[name] = table[name]
    if "mask_path" in table:
        manifest["mask_path"] = [
            None if pd.isna(mask) else f"masks/{image_id}.png"
            for mask, image_id in zip(table["mask_path"], image_ids, strict=True)
        ]
    return pd.concat([manifest, table[[name for name in table.columns if name not in RESERVED]]], axis=1)


def check_images(source: Source, manifest: pd.DataFrame, progress: Progress) -> pd.DataFrame:
    """Decode every image and mask; returns the manifest with `pixel_hash`.

    Raises:
        InputError: a file is missing, empty, truncated or no 8-bit image, or a mask's size is not its image's.
    """
    hashes = []
    for row in progress(range(len(manifest)), "checking"):
        pixels = source.image(row)
        hashes.append(pixel_hash(pixels))
        if source.mask and not pd.isna(manifest["mask_path"][row]):
            mask = source.mask(row)
            if mask.shape[:2] != pixels.shape[:2]:
                raise InputError(
                    f"{source.where}: the mask of {source.row_names[row]} has size {mask.shape[:2]}; expected its image's, "
                    f"{pixels.shape[:2]}"
                )
    return manifest.assign(pixel_hash=hashes)


def write_scans(source: Source, manifest: pd.DataFrame, folder: Path, progress: Progress) -> None:
    """Write `images/`, `masks/` (if any) and `manifest.csv` below `folder`; the manifest's index numbers the source's rows."""
    (folder / "images").mkdir(parents=True)
    if source.mask:
        (folder / "masks").mkdir()
    for row in progress(manifest.index, "writing"):
        write_image(folder / manifest["path"][row], source.image(row))
        if source.mask and not pd.isna(manifest["mask_path"][row]):
            write_image(folder / manifest["mask_path"][row], source.mask(row))
    write_manifest(folder, manifest)
