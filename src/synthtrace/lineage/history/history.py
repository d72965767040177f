"""`synthtrace history TARGET`: the values of a number, and what changed from each to the next."""

import difflib
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from synthtrace.errors import InputError
from synthtrace.lineage.history.closure import PARTS, Closure
from synthtrace.lineage.history.reader import Found, Reader
from synthtrace.lineage.history.revisions import Revision, blobs, revisions
from synthtrace.lineage.trace.target import NEAREST

Changes = dict[str, dict[str, list[Any]]]


@dataclass(frozen=True)
class Row:
    """A number at a revision.

    Attributes:
        value: None where the file had no such number, or null; `note` tells them apart.
        digests: hex digest of each part of the number's closure; None where the lock says nothing of it.
        changed: parts whose digest differs from that of the next older row, where both are known.
        changes: by such a part, [old, new] by key; None for a key that was not there, or is not any more.
        note: what should be known about the row, or None.
    """

    revision: Revision
    value: float | None
    digests: dict[str, str | None]
    changed: list[str]
    changes: Changes
    note: str | None

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        tree = asdict(self)
        return tree.pop("revision") | tree


def history(folder: Path, text: str) -> list[Row]:
    """A number (metrics/summary.json:KEY, its path relative to `folder`) over commits and experiments, newest first.

    The workspace comes first when the number's file or its lock differ from HEAD's. Revisions without a dvc.lock are left out.

    Raises:
        InputError: no revision holds the file, or none of them the number: the message names the nearest ones.
    """
    name, _, key = text.partition(":")
    path = PurePosixPath(name).as_posix()
    if not key:
        raise InputError(f"{text}: expected a file and the key of a number in it, such as metrics/summary.json:images")
    with blobs(folder) as source, TemporaryDirectory() as scratch:
        reader = Reader(folder, path, key, source, Path(scratch))
        read = [reader.workspace(), *(reader.at(revision) for revision in revisions(folder, path))]
    rows = [one for one in read if one is not None]
    if not rows:
        raise InputError(
            f"{path}: no commit and no experiment holds this file with a dvc.lock; expected numbers that Git tracks"
        )
    if all(key not in one.known for one in rows):
        raise InputError(f"{text}: no such number in any revision of {path}; {_nearest(key, path, list(rows[0].known))}")
    return [_row(one, older) for one, older in zip(rows, [*rows[1:], None], strict=True)]


def _row(found: Found, older: Found | None) -> Row:
    digests = found.closure.digests()
    before = older.closure.digests() if older else {}
    changed = [part for part in PARTS if digests[part] and before.get(part) and digests[part] != before[part]]
    changes = {part: _changes(older.closure, found.closure, part) for part in changed} if older else {}
    return Row(found.revision, found.value, digests, changed, changes, "; ".join(found.notes) or None)


def _changes(older: Closure, newer: Closure, part: str) -> dict[str, list[Any]]:
    old, new = older.values[part] or {}, newer.values[part] or {}
    keys = sorted({*old, *new})
    return {key: [old.get(key), new.get(key)] for key in keys if (key in old) != (key in new) or old.get(key) != new.get(key)}


def _nearest(key: str, path: str, known: list[str]) -> str:
    below = [name for name in known if name.startswith(f"{key}.")]
    if below:
        return f"it holds {len(below)} numbers, such as {path}:{below[0]}"
    near = difflib.get_close_matches(key, known, NEAREST, 0.5) or known[:NEAREST]
    return "nearest are " + ", ".join(f"{path}:{name}" for name in near)
