"""A number and its closure at one revision after another."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from synthtrace.errors import InputError
from synthtrace.lineage.history.closure import REQUIREMENTS, UNKNOWN, Closure, Past, closure
from synthtrace.lineage.history.revisions import Blobs, Revision
from synthtrace.lineage.pipeline import producer
from synthtrace.lineage.trace.target import numbers

LOCK = "dvc.lock"
READ = ("dvc.yaml", LOCK, "params.yaml")

Files = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Found:
    """A number at a revision, all numbers of its file by key, and what should be known about it."""

    revision: Revision
    value: float | None
    known: dict[str, float | None]
    closure: Closure
    notes: list[str]


class Reader:
    """Reads `path` (relative to `folder`) at revisions; equal pipelines, locks and parameters are worked out once."""

    def __init__(self, folder: Path, path: str, key: str, source: Blobs, scratch: Path) -> None:
        self._folder, self._path, self._key, self._source, self._scratch = folder, path, key, source, scratch
        self._closures: dict[str, Closure | str] = {}
        self._count = 0

    def at(self, revision: Revision) -> Found | None:
        """The number at a commit; None without the file, or without a dvc.lock beside or above it."""
        commit = revision.commit or "HEAD"
        return self._found(revision, lambda name: self._source.read(commit, name))

    def workspace(self) -> Found | None:
        """The number as it lies in the workspace; None where its file and lock are as HEAD holds them."""
        top = self._top(self._here)
        if top is None or all(self._here(name) == self._source.read("HEAD", name) for name in (self._path, f"{top}{LOCK}")):
            return None
        return self._found(Revision("workspace", "workspace"), self._here)

    def _here(self, name: str) -> bytes | None:
        place = self._folder / name
        return place.read_bytes() if place.is_file() else None

    def _top(self, read: Files) -> str | None:
        """The nearest folder with a dvc.lock, ending in `/` or empty: that of a study in studies/, of evidence in results/."""
        folders = [above.as_posix() for above in PurePosixPath(self._path).parents]
        tops = ["" if folder == "." else f"{folder}/" for folder in folders]
        return next((top for top in tops if read(f"{top}{LOCK}") is not None), None)

    def _found(self, revision: Revision, read: Files) -> Found | None:
        content, top = read(self._path), self._top(read)
        if content is None or top is None:
            return None
        below = self._path.removeprefix(top)
        study = self._study({name: read(f"{top}{name}") for name in READ} | {below: content})
        known, rests, notes = {}, UNKNOWN, []
        try:
            known = numbers(study, below)
            if self._key not in known:
                notes.append(f"no such number in {below}")
            rests = self._closure(study, below, read(REQUIREMENTS))
            made = producer(study.lock, below)
            if made is None:
                notes.append(f"no stage of {LOCK} makes {below}")
            elif study.lock[made[0]].outs[below] != hashlib.md5(content, usedforsecurity=False).hexdigest():
                notes.append(f"{below} is not the file that {LOCK} names")
        except InputError as error:
            notes.append(str(error).replace(f"{study.root}/", ""))
        return Found(revision, known.get(self._key), known, rests, notes)

    def _study(self, files: dict[str, bytes | None]) -> Past:
        """A folder of these files, as a study."""
        self._count += 1
        folder = self._scratch / str(self._count)
        for name, content in files.items():
            if content is not None:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
        return Past(folder)

    def _closure(self, study: Past, below: str, requirements: bytes | None) -> Closure:
        digest = None if requirements is None else hashlib.md5(requirements, usedforsecurity=False).hexdigest()
        key = str(digest) + "".join(study.hasher.file(study.root / name) for name in READ if (study.root / name).is_file())
        if key not in self._closures:
            try:
                self._closures[key] = closure(study, below, self._key, digest)
            except InputError as error:
                self._closures[key] = str(error)
        found = self._closures[key]
        if isinstance(found, str):
            raise InputError(found)
        return found
