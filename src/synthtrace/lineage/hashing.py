"""Bytes to digests, always read anew: DVC's state database, which trusts inode, size and time, is never asked."""

import hashlib
import json
import os
from pathlib import Path

BLOCK = 1 << 20


class Hasher:
    """md5 of files and DVC digests of folders; a file is read once in the hasher's life, under however many names."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, int], str] = {}
        self.bytes_read = 0

    def file(self, path: str | Path) -> str:
        """Hex md5 of a file's bytes; raises OSError when there is no such file."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            status = os.fstat(descriptor)
            key = (status.st_dev, status.st_ino)
            if key not in self._read:
                self._read[key] = self._md5(descriptor, status.st_size)
            return self._read[key]
        finally:
            os.close(descriptor)

    def _md5(self, descriptor: int, size: int) -> str:
        # a byte more than the file has: one read is all of a small file, and says that it is; a buffer of BLOCK bytes for each
        # would take as long as its md5
        asked = size + 1 if size < BLOCK else BLOCK
        digest, read = hashlib.md5(usedforsecurity=False), 0
        while block := os.read(descriptor, asked):
            digest.update(block)
            read += len(block)
            if read == size and len(block) < asked:
                break
        self.bytes_read += read
        return digest.hexdigest()

    def entries(self, folder: Path) -> dict[str, str]:
        """md5 by relative path (`/` between parts) of every file below a folder."""
        return {name: self.file(path) for name, path in files_below(folder).items()}

    def digest(self, path: Path) -> str:
        """DVC's digest of a file, or of a folder (ending in `.dir`); raises OSError when it is neither."""
        return folder_digest(self.entries(path)) if path.is_dir() else self.file(path)


def files_below(folder: Path) -> dict[str, str]:
    """Path by relative path (`/` between parts) of every file below a folder; links to folders are not followed, as in DVC.

    Strings, not pathlib: for ten thousand small files its objects would take longer than md5.
    """
    top = str(folder)
    paths = (f"{parent}{os.sep}{name}" for parent, _, names in os.walk(top) for name in names)
    return {path[len(top) + 1 :].replace(os.sep, "/"): path for path in paths}


def folder_listing(entries: dict[str, str]) -> bytes:
    """DVC's `.dir` object of a folder, from the md5 of each file by relative path."""
    return json.dumps([{"md5": entries[path], "relpath": path} for path in sorted(entries)], sort_keys=True).encode()


def folder_digest(entries: dict[str, str]) -> str:
    """DVC's digest of a folder from the md5 of each file by relative path: that of its `.dir` object."""
    return hashlib.md5(folder_listing(entries), usedforsecurity=False).hexdigest() + ".dir"
