"""Put a rebuilt data set in the place of the old one, and tell DVC: both, or nothing."""

import shutil
from contextlib import ExitStack
from pathlib import Path

from synthtrace.errors import InputError
from synthtrace.lineage.study import Study


def aside(tracked: Path, part: str) -> Path:
    """A name beside the data set's folder: `new` while it is built, `old` until all is done, `removed` when it may go."""
    return tracked.with_name(f".{tracked.name}.{part}")


def recover(tracked: Path) -> None:
    """Put things back as they were before a withdrawal that was killed half-way; delete what one that had ended left."""
    if aside(tracked, "old").exists():
        _put_back(tracked)
    for part in ("new", "removed"):
        shutil.rmtree(aside(tracked, part), ignore_errors=True)


def swap(study: Study, tracked: Path, file: Path, undo: ExitStack) -> None:
    """Let the folder built aside take its place and `dvc add` it; `undo` learns how to take each step back."""
    content = file.read_bytes()
    undo.callback(shutil.rmtree, aside(tracked, "new"), ignore_errors=True)
    tracked.rename(aside(tracked, "old"))
    undo.callback(_put_back, tracked)
    aside(tracked, "new").rename(tracked)
    undo.callback(replace, file, content)
    _dvc_add(study, tracked)


def discard(tracked: Path) -> str | None:
    """Delete the old data set after all is done; a sentence when that failed."""
    removed = aside(tracked, "removed")
    aside(tracked, "old").rename(removed)
    try:
        shutil.rmtree(removed)
    except OSError as error:
        return f"{removed} still holds their files, because it could not be deleted ({error.strerror}): delete it"
    return None


def replace(path: Path, content: bytes) -> None:
    """Write a file aside and let it take its name."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


def _put_back(tracked: Path) -> None:
    if tracked.exists():
        shutil.rmtree(tracked)
    aside(tracked, "old").rename(tracked)


def _dvc_add(study: Study, tracked: Path) -> None:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(study.repository)) as repository:
            repository.add(str(tracked))
    except DvcException as error:
        raise InputError(f"dvc add {tracked}: {error}; nothing was changed") from None
