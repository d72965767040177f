"""The files that a folder's digest stands for, each with its own."""

import hashlib
import json

from synthtrace.lineage.hashing import folder_digest
from synthtrace.lineage.pipeline import within
from synthtrace.lineage.run import Run

Listing = dict[str, str]


def cached_listing(study: Run, digest: str) -> Listing | None:
    """md5 by relative path of a folder's files, from its `.dir` object; None when that is absent or not what its name says."""
    try:
        content = study.cached(digest).read_bytes()
    except OSError:
        return None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() + ".dir" != digest:
        return None
    try:
        return {entry["relpath"]: entry["md5"] for entry in json.loads(content)}
    except (ValueError, KeyError, TypeError):
        return None


def listing(study: Run, path: str, digest: str) -> Listing | None:
    """md5 by relative path of the files of an out or dep with this digest; a file lists itself as "".

    A folder's come from its `.dir` object in the cache, or else from the workspace if its bytes have the digest; None when
    neither can tell.
    """
    if not digest.endswith(".dir"):
        return {"": digest}
    found = cached_listing(study, digest)
    if found is None and study.path(path).is_dir():
        try:
            entries = study.hasher.entries(study.path(path))
        except OSError:
            return None
        found = entries if folder_digest(entries) == digest else None
    return found


def part(files: Listing, below: str) -> str | None:
    """DVC's digest of a file or folder at a relative path of a listing; None when it holds no such path."""
    if below in files:
        return files[below]
    inside = {name.removeprefix(f"{below}/"): md5 for name, md5 in files.items() if name.startswith(f"{below}/")}
    return folder_digest(inside) if inside else None


def gathered(folder: str, parts: dict[str, Listing]) -> str:
    """DVC's digest of a folder that holds nothing but the outs whose listings are given by their paths."""
    entries = {}
    for path, files in parts.items():
        assert within(path, folder)
        for name, md5 in files.items():
            entries[f"{path}/{name}".removeprefix(f"{folder}/").rstrip("/")] = md5
    return folder_digest(entries)
