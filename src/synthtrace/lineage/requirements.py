"""Versions: what requirements.lock asks for, today or when a run's evidence was kept, and what it asks of a recorded run."""

import hashlib
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from synthtrace.errors import InputError
from synthtrace.fingerprint.packages import LOCK
from synthtrace.lineage.run import Run

SYSTEMS = {"Windows": "win32"}


class Requirements:
    """The pinned lines of a requirements.lock."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self._lines = []
        for number, line in enumerate(text.splitlines(), 1):
            pinned = line.split(" \\")[0].split(" #")[0].strip()
            if line[:1].isalnum() and "==" in pinned:
                try:
                    self._lines.append(Requirement(pinned))
                except InvalidRequirement:
                    raise InputError(f"{source}:{number}: expected name==version, found {pinned!r}") from None
        self.versions = cache(self._versions)

    def _versions(self, python: str = "", platform: str = "") -> dict[str, str]:
        """Version by normalised name (PEP 503) of the lines whose marker holds.

        Python and platform are as records name them (`3.11.7`, `Linux x86_64`), by default those of this process.
        """
        environment = {name: str(value) for name, value in default_environment().items()}
        if python:
            environment |= {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
        system, _, machine = platform.partition(" ")
        if machine:
            name = SYSTEMS.get(system, system.lower())
            environment |= {"platform_system": system, "sys_platform": name, "platform_machine": machine}
        return {
            canonicalize_name(line.name): str(line.specifier).removeprefix("==")
            for line in self._lines
            if line.marker is None or line.marker.evaluate(environment)
        }


def todays(study: Run) -> Requirements:
    """requirements.lock as it lies in the repository; raises InputError when it is not there."""
    path = study.repository / LOCK
    try:
        return Requirements(path.read_text(encoding="utf-8"), LOCK.as_posix())
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path}: no such file, or no text; expected the versions of all packages") from None


def of_the_run(study: Run) -> Requirements | None:
    """The requirements.lock that evidence's dvc.lock names by its digest, found in Git's history; None where it is not."""
    digests = {digest for stage in study.lock.values() for path, digest in stage.deps.items() if Path(path).name == LOCK.name}
    for commit in _git(study.repository, "log", "--format=%H", "--", str(LOCK)).decode().split():
        content = _git(study.repository, "show", f"{commit}:{LOCK.as_posix()}")
        if hashlib.md5(content, usedforsecurity=False).hexdigest() in digests:
            return Requirements(content.decode("utf-8", errors="replace"), f"{LOCK} of commit {commit[:12]}")
    return None


def _git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False).stdout


def named(packages: Any) -> dict[str, str]:
    """A record's packages by normalised name; what is no mapping holds none."""
    if not isinstance(packages, dict):
        return {}
    return {canonicalize_name(str(name)): str(version) for name, version in packages.items()}


@cache
def agree(locked: str, found: str) -> bool:
    """Whether a version is the locked one (PEP 440): 2.9.0+cpu is a build of 2.9.0, and agrees unless a build is locked."""
    if locked == found:
        return True
    try:
        return SpecifierSet(f"=={locked}").contains(found, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
