"""Files of a finished study changed by hand, the rest of them left as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pipeline_clone import Clone
from ruamel.yaml import YAML

from synthtrace.lineage.pipeline import read_lock

T = TypeVar("T")


@contextmanager
def edited_yaml(path: Path) -> Iterator[Any]:
    """The tree of a YAML file, written back when the block ends."""
    yaml = YAML()
    yaml.width = 4096
    tree = yaml.load(path)
    yield tree
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(tree, file)


def drawn(items: list[T], random: np.random.Generator) -> T:
    """One of several, drawn."""
    return items[int(random.integers(len(items)))]


def files(folder: Path, pattern: str = "*") -> list[Path]:
    """Files below a folder, in order."""
    return sorted(path for path in folder.rglob(pattern) if path.is_file())


def other_md5(digest: str, random: np.random.Generator) -> str:
    """A digest of the same kind (a file's, or a folder's ending in .dir) that nothing has."""
    return random.bytes(16).hex() + (".dir" if digest.endswith(".dir") else "")


def outs(clone: Clone) -> dict[str, str]:
    """Digest by path of all outs in a clone's dvc.lock."""
    stages = read_lock(clone.folder / "dvc.lock").values()
    return {path: digest for stage in stages for path, digest in stage.outs.items()}


def cached(clone: Clone, digest: str) -> Path:
    """Where a clone's cache keeps an object."""
    return clone.folder / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
