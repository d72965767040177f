"""`byra`: the published fatty-liver set of Byra et al., IJCARS 13 (2018), a MATLAB file of one struct array.

`data` has a patient an element, with the fields `id`, `class` (0 healthy, 1 fatty), `fat` (per cent of hepatocytes) and
`images` (frames x 434 x 636, uint8).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io

from synthtrace.errors import InputError
from synthtrace.params import Dataset
from synthtrace.scans.manifest import Source
from synthtrace.scans.steatosis import steatosis_grade
from synthtrace.scans.table import existing_path

FIELDS = ("id", "class", "fat", "images")
FRAME_SHAPE = (434, 636)


def read(dataset: Dataset) -> Source:
    """The frames of the `.mat` file at `dataset.path`, or of the only one in that folder.

    Raises:
        InputError: there is no such file or more than one, it is no MATLAB file before v7.3, or its structure is another.
    """
    path = _mat_file(dataset)
    rows, frames = [], []
    for index, patient in enumerate(_patients(path)):
        where = f"{path}: data({index + 1})"
        images = patient["images"]
        if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != FRAME_SHAPE:
            raise InputError(
                f"{where}.images is {images.dtype} {images.shape}; expected uint8 (frames, {FRAME_SHAPE[0]}, {FRAME_SHAPE[1]})"
            )
        fat = _number(patient["fat"], f"{where}.fat")
        row = {
            "patient_id": _text(patient["id"], f"{where}.id"),
            "label": _text(patient["class"], f"{where}.class"),
            "grade": steatosis_grade(fat),
            "fat_percent": fat,
        }
        for frame, image in enumerate(images):
            rows.append({**row, "frame": frame, "original_path": f"{path.name}:data({index + 1}).images({frame + 1})"})
            frames.append(image)
    return Source(
        name="byra",
        where=str(path),
        table=pd.DataFrame(rows),
        row_names=[str(row["original_path"]).partition(":")[2] for row in rows],
        image=lambda row: frames[row],
    )


def _mat_file(dataset: Dataset) -> Path:
    path = existing_path(dataset)
    if path.is_file():
        return path
    files = sorted(path.glob("*.mat"))
    if len(files) != 1:
        raise InputError(f"dataset.path: {path} holds {len(files)} .mat files; expected exactly one")
    return files[0]


def _patients(path: Path) -> np.ndarray:
    """The struct array `data`, flat."""
    try:
        content = scipy.io.loadmat(path)
    except NotImplementedError:
        raise InputError(f"{path}: a MATLAB v7.3 (HDF5) file; expected an earlier format: save it with -v7") from None
    except Exception as error:  # the reader meets foreign bytes with errors of many kinds
        raise InputError(f"{path}: not a readable MATLAB file ({error})") from None
    if "data" not in content:
        names = ", ".join(name for name in content if not name.startswith("__"))
        raise InputError(f"{path}: missing variable 'data'; it has {names or 'none'}")
    data = content["data"]
    for field in FIELDS:
        if field not in (data.dtype.names or ()):
            found = ", ".join(data.dtype.names or ()) or f"none (a {data.dtype} array)"
            raise InputError(f"{path}: 'data' has no field {field!r}; its fields are {found}")
    return data.ravel()


def _scalar(value: np.ndarray, where: str) -> str | float:
    flat = np.asarray(value).ravel()
    if flat.size != 1 or flat.dtype.kind not in "biufU":
        raise InputError(f"{where} is {flat.dtype} of {flat.size} values; expected one number or text")
    return flat[0].item()


def _text(value: np.ndarray, where: str) -> str:
    scalar = _scalar(value, where)
    return scalar if isinstance(scalar, str) else f"{scalar:g}"


def _number(value: np.ndarray, where: str) -> float:
    scalar = _scalar(value, where)
    if isinstance(scalar, str) or not 0 <= scalar <= 100:
        raise InputError(f"{where} is {scalar!r}; expected a percentage")
    return float(scalar)
