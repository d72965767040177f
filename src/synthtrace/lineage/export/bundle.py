"""The files of an export, the same in every format: images, their table, the data card."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import file_sha256
from synthtrace.lineage.export.card import Commit, data_card
from synthtrace.lineage.export.markdown import as_markdown
from synthtrace.lineage.export.pools import Pool, require_as_run
from synthtrace.lineage.study import Study

TABLE, CARD, CARD_PAGE = "images.csv", "datacard.json", "datacard.md"
IMAGES = "images"

# column -> what it holds; the order is the table's
COLUMNS = {
    "image_id": "name of the synthetic image",
    "file": "path of the image file",
    "sha256": "SHA-256 of the image file",
    "label": "class as an integer",
    "label_name": "class by name",
    "generator": "kind of the generator that drew it",
    "fold": "fold whose training patients the generator saw",
    "seed": "seed of the image's noise",
    "conditioned": "whether a map of a real training image, which is not named, guided it",
}
MEDIA_TYPES = {".png": "image/png", ".csv": "text/csv", ".json": "application/json", ".md": "text/markdown"}


@dataclass(frozen=True)
class File:
    """A file of an export: where it goes, and its bytes or where they lie."""

    name: str
    sha256: str
    size: int
    source: bytes | Path

    @property
    def media_type(self) -> str:
        """As IANA calls it."""
        return MEDIA_TYPES[Path(self.name).suffix]


class Bundle:
    """What every format tells of: `card` as plain data, `table` one row an image, `files` sorted by name.

    Raises InputError when an image is not the one that its ledger lists, or a pool is not what dvc.lock records.
    """

    def __init__(self, study: Study, pools: list[Pool], licence: dict[str, Any], commit: Commit) -> None:
        self.study = study
        self.pools = pools
        self.commit = commit
        self._licence = licence
        self._images = [_image(pool, row) for pool in pools for row in pool.rows.to_dict("records")]
        for pool in pools:
            require_as_run(study, pool)

    @cached_property
    def card(self) -> dict[str, Any]:
        """The data card."""
        return data_card(self.study, self.pools, self._licence, self.commit)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row an image, columns as in COLUMNS."""
        names = self.card["source"]["classes"]
        parts = []
        for pool in self.pools:
            rows = pool.rows
            part = rows.assign(
                file=[_place(pool, path) for path in rows["path"]],
                sha256=rows["file_sha256"],
                label_name=[names[label] for label in rows["label"]],
                conditioned=rows["condition_image_id"].notna().map({True: "true", False: "false"}),
            )
            parts.append(part[list(COLUMNS)])
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def files(self) -> list[File]:
        """Images, table and card, sorted by name."""
        written = {
            TABLE: self.table.to_csv(index=False, lineterminator="\n"),
            CARD: json.dumps(self.card, indent=2, ensure_ascii=False) + "\n",
            CARD_PAGE: as_markdown(self.card),
        }
        texts = {name: text.encode() for name, text in written.items()}
        made = [File(name, hashlib.sha256(text).hexdigest(), len(text), text) for name, text in texts.items()]
        return sorted([*self._images, *made], key=lambda file: file.name)

    def images_of(self, pool: Pool) -> list[File]:
        """Image files of a pool."""
        return [file for file in self._images if file.name.startswith(f"{folder_of(pool)}/")]

    def write(self, folder: Path) -> None:
        """Write all files below a folder."""
        for file in self.files:
            path = folder / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(file.source, bytes):
                path.write_bytes(file.source)
            else:
                shutil.copyfile(file.source, path)


def folder_of(pool: Pool) -> str:
    """Where a pool's images go."""
    return f"{IMAGES}/{pool.name}"


def _place(pool: Pool, path: str) -> str:
    return f"{folder_of(pool)}/{Path(path).name}"


def _image(pool: Pool, row: dict[Any, Any]) -> File:
    source = pool.folder / row["path"]
    try:
        found, size = file_sha256(source), source.stat().st_size
    except OSError as error:
        raise InputError(f"{source}: {error.strerror}; expected the image that ledger.parquet lists") from None
    if found != row["file_sha256"]:
        raise InputError(f"{source}: its SHA-256 is {found}, expected {row['file_sha256']} as ledger.parquet has it")
    return File(_place(pool, row["path"]), found, size, source)
