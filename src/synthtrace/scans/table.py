"""`table`: a folder of PNG, JPEG or TIFF files with a `manifest.csv`, or a folder a class."""

from pathlib import Path

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import SUFFIXES, read_image
from synthtrace.params import Columns, Dataset
from synthtrace.scans.manifest import Source, riding_columns, slug


def existing_path(dataset: Dataset) -> Path:
    """`dataset.path`; raises InputError when nothing is there."""
    path = Path(dataset.path)
    if not path.exists():
        raise InputError(f"dataset.path: {path} does not exist; expected the folder or file of the {dataset.kind!r} data set")
    return path


def read(dataset: Dataset) -> Source:
    """The scans of a folder: of its `manifest.csv` by `dataset.columns`, or, without one, of one sub-folder a class.

    Raises:
        InputError: the folder or a mapped column is missing, a row names no file or one outside the folder.
    """
    folder = existing_path(dataset)
    if not folder.is_dir():
        raise InputError(f"dataset.path: {folder} is a file; expected a folder with manifest.csv or one sub-folder a class")
    name = slug(folder.resolve().name)
    if (folder / "manifest.csv").exists():
        return read_table(folder, dataset.columns, name)
    return read_tree(folder, name)


def read_table(folder: Path, columns: Columns, name: str) -> Source:
    """The rows of `manifest.csv`, its columns renamed to ours; unmapped columns ride along."""
    where = folder / "manifest.csv"
    try:
        foreign = pd.read_csv(where, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: not a readable CSV table ({error})") from None
    mapping = {ours: theirs for ours, theirs in columns.model_dump().items() if theirs is not None}
    for ours, theirs in mapping.items():
        if theirs not in foreign.columns:
            raise InputError(
                f"{where}: missing column {theirs!r}, which dataset.columns.{ours} names (null: there is none); it has "
                f"{', '.join(foreign.columns)}"
            )
    table = pd.DataFrame({ours: foreign[theirs] for ours, theirs in mapping.items()})
    table = table.rename(columns={"path": "original_path"})
    table = pd.concat([table, riding_columns(foreign, mapping.values())], axis=1)
    row_names = [f"row {row + 2}" for row in range(len(table))]  # as a spreadsheet counts: the header is row 1
    for kind in ("original_path", "mask_path"):
        for row, path in enumerate(table.get(kind, [])):
            _check_file(folder, path, kind, f"{where}: {row_names[row]}")
    return _source(folder, table, row_names, name, str(where))


def read_tree(folder: Path, name: str) -> Source:
    """One sub-folder a class: the sub-folder's name is the class name, files are sorted by path."""
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    for path in files:
        if len(path.parts) == 1:
            raise InputError(f"{folder / path}: an image outside the class folders; expected manifest.csv or a folder a class")
    table = pd.DataFrame(
        {"original_path": [path.as_posix() for path in files], "label": [path.parts[0] for path in files]}, dtype="str"
    )
    return _source(folder, table, [str(path) for path in files], name, str(folder))


def _check_file(folder: Path, path: str, kind: str, row: str) -> None:
    if pd.isna(path):
        if kind == "mask_path":
            return
        raise InputError(f"{row} names no image file")
    file = folder / path
    if not file.is_file():
        raise InputError(f"{row} names {path!r}, but there is no such file below {folder}")
    if ".." in Path(path).parts or Path(path).is_absolute():
        raise InputError(f"{row} names {path!r}; expected a path inside {folder}")


def _source(folder: Path, table: pd.DataFrame, row_names: list[str], name: str, where: str) -> Source:
    masks = "mask_path" in table
    return Source(
        name=name,
        where=where,
        table=table,
        row_names=row_names,
        image=lambda row: read_image(folder / table["original_path"].iloc[row]),
        mask=(lambda row: read_image(folder / table["mask_path"].iloc[row], channels=1)) if masks else None,
    )
