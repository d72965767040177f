"""Where every walk back ends: what stages read and no stage makes."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from synthtrace.errors import InputError
from synthtrace.lineage.pipeline import producers, read_yaml, within
from synthtrace.lineage.run import Run


@dataclass(frozen=True)
class Leaf:
    """What a stage read: path as the lock writes it, and DVC's digest."""

    path: str
    digest: str
    stage: str


@dataclass(frozen=True)
class Import:
    """An out of a .dvc file: data that came by `dvc add` or `dvc import-url`. `file` is the .dvc file."""

    path: str
    digest: str
    file: str


def outside(study: Run, path: str) -> bool:
    """Whether a path of the pipeline leads out of the repository."""
    return not Path(os.path.normpath(study.home / path)).is_relative_to(study.repository)


def leaves(study: Run) -> list[Leaf]:
    """Deps that are no stage's outs, a path once for each digest that it was read with."""
    found: dict[tuple[str, str], Leaf] = {}
    for stage in study.lock.values():
        for path, digest in stage.deps.items():
            if not producers(study.locked, path):
                found.setdefault((path, digest), Leaf(path, digest, stage.name))
    return list(found.values())


def imports(study: Run) -> dict[str, Import]:
    """Outs of the .dvc files in data/raw and beside the leaves, by path; raises InputError when one cannot be read."""
    folders = {study.home / "data/raw": None}
    for leaf in leaves(study):
        if not outside(study, leaf.path):
            above = (study.home / leaf.path).parents
            folders |= dict.fromkeys(folder for folder in above if folder.is_relative_to(study.repository))
    found = {}
    for file in sorted(file for folder in folders for file in folder.glob("*.dvc") if file.is_file()):
        content, name = read_yaml(file), _relative(file, study)
        try:
            for out in content["outs"]:
                path = _relative(file.parent / content.get("wdir", ".") / out["path"], study)
                found[path] = Import(path, out["md5"], name)
        except (KeyError, TypeError):
            raise InputError(f"{name}: expected outs, each with path and md5") from None
    return found


def _relative(path: Path, study: Run) -> str:
    return Path(os.path.relpath(path, study.home)).as_posix()


def imported(known: dict[str, Import], path: str) -> Import | None:
    """The .dvc file's out that is a path or holds it."""
    return next((one for one in known.values() if within(path, one.path)), None)


def tracked(study: Run, path: str) -> bool:
    """Whether Git tracks a file at or below a path of the pipeline."""
    return bool(_git(study, "ls-files", "--", path))


def uncommitted(study: Run, path: str) -> list[str]:
    """Files at or below a path that differ from Git's HEAD or are not tracked."""
    return [line[3:] for line in _git(study, "status", "--porcelain", "--untracked-files=all", "--", path)]


def _git(study: Run, *arguments: str) -> list[str]:
    try:
        result = subprocess.run(["git", *arguments], cwd=study.home, capture_output=True, text=True, check=False)
    except OSError:
        return []
    return result.stdout.splitlines()
