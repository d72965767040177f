"""Unlabelled images to pre-train on: a folder of one or several sources, and images of the study that no fold uses."""

import shutil
from pathlib import Path

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import SUFFIXES, read_image, write_image
from synthtrace.params import Preprocess
from synthtrace.preprocess.crops import Progress, native_crop
from synthtrace.scans.manifest import slug

UNLABELLED = ["image_id", "patient_id", "source", "native_path"]


def corpus(folder: Path) -> pd.DataFrame:
    """The images of `pretraining.path`, a row each: image_id, patient_id, source, and `path` below the folder.

    `manifest.csv` there needs a column `path`; without `patient_id` every image is a patient of its own, without `source` the
    folder is the source of all. Without a manifest, each sub-folder is a source, whose images are sorted by path. An image is
    called after its file, or, where files share their names, after its path.

    Raises:
        InputError: there is no such folder or no column `path`, a row names no file or one outside the folder, an image lies
            outside the sub-folders, or two rows name one image.
    """
    if not folder.is_dir():
        raise InputError(f"pretraining.path: {folder} is no folder; expected one with manifest.csv or a sub-folder a source")
    table = _of_manifest(folder) if (folder / "manifest.csv").exists() else _of_tree(folder)
    names = table["path"].map(lambda path: slug(Path(path).stem))
    if names.duplicated().any():
        names = table["path"].map(lambda path: slug(Path(path).with_suffix("").as_posix()))
    _check_distinct(names, f"pretraining.path: {folder}")
    return table.assign(image_id=names, patient_id=table["patient_id"].fillna(names))


def _of_manifest(folder: Path) -> pd.DataFrame:
    where = folder / "manifest.csv"
    try:
        table = pd.read_csv(where, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: not a readable CSV table ({error})") from None
    if "path" not in table.columns:
        raise InputError(f"{where}: missing column 'path'; it has {', '.join(table.columns)}")
    for row, path in enumerate(table["path"], start=2):  # as a spreadsheet counts: the header is row 1
        if pd.isna(path):
            raise InputError(f"{where}: row {row} names no image file")
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise InputError(f"{where}: row {row} names {path!r}; expected a path inside {folder}")
    found = table.reindex(columns=["path", "patient_id", "source"]).astype("str")
    return found.assign(source=found["source"].fillna(slug(folder.name)))


def _of_tree(folder: Path) -> pd.DataFrame:
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    for path in files:
        if len(path.parts) == 1:
            raise InputError(f"{folder / path}: an image outside the sources; expected manifest.csv or a sub-folder a source")
    table = {"path": [path.as_posix() for path in files], "patient_id": None, "source": [path.parts[0] for path in files]}
    return pd.DataFrame(table).astype("str")


def _check_distinct(names: pd.Series, where: str) -> None:
    if twice := names[names.duplicated()].tolist():
        raise InputError(f"{where}: two images are called {twice[0]!r}; expected another name for each")


def unused(crops: pd.DataFrame, folds: pd.DataFrame) -> pd.DataFrame:
    """Rows of the crops' manifest that have the role `unused` in every fold; their source says that they are the study's."""
    used = folds.loc[folds["role"] != "unused", "image_id"]
    rows = crops[crops["image_id"].isin(folds["image_id"]) & ~crops["image_id"].isin(used)]
    return rows.assign(source="unused images of " + rows["source"])


def write_unlabelled(
    folder: Path, path: Path, others: pd.DataFrame, crops: Path, preprocess: Preprocess, progress: Progress
) -> pd.DataFrame:
    """Write `native/` and `manifest.csv` (UNLABELLED) below `folder`: the corpus at `path`, cropped, then copies of `others`.

    `others` are rows of the manifest of `crops`.

    Raises:
        InputError: see `corpus`; a file is missing or no image; one of the corpus is called as one of the others is.
    """
    listed = corpus(path)
    names = pd.concat([listed["image_id"], others["image_id"].astype("str")], ignore_index=True)
    _check_distinct(names, f"pretraining.path: {path} and unused images of the study")
    (folder / "native").mkdir(parents=True)
    for row in progress(range(len(listed)), "cropping"):
        pixels = read_image(path / listed["path"][row], preprocess.channels)
        native = native_crop(pixels, preprocess.crop_size, preprocess.region)
        write_image(folder / "native" / f"{listed['image_id'][row]}.png", native)
    for name, native_path in zip(others["image_id"], others["native_path"], strict=True):
        shutil.copyfile(crops / native_path, folder / "native" / f"{name}.png")
    manifest = pd.concat([listed, others], ignore_index=True).assign(native_path="native/" + names + ".png")[UNLABELLED]
    manifest.to_csv(folder / "manifest.csv", index=False, lineterminator="\n")
    return manifest
