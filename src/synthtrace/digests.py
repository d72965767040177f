"""Digests of files and folders, computed from their bytes exactly as DVC writes them in dvc.lock."""

import hashlib
import json
from pathlib import Path


def file_md5(path: Path) -> str:
    """Hex md5 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def folder_entries(folder: Path) -> list[dict[str, str]]:
    """The content of DVC's `.dir` object: md5 and relpath of every file below, sorted by relpath."""
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return [{"md5": file_md5(path), "relpath": relpath} for relpath, path in files]


def digest(path: Path) -> str:
    """DVC's digest of a file, or of a folder (ending in `.dir`)."""
    path = Path(path)
    if path.is_dir():
        return hashlib.md5(json.dumps(folder_entries(path), sort_keys=True).encode()).hexdigest() + ".dir"
    return file_md5(path)
