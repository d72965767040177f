"""A change that the audit must catch, and the tools to make one."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pipeline_clone import Clone

from synthtrace.lineage.audit import CHECKS, audit
from synthtrace.lineage.findings import Outcome
from synthtrace.lineage.study import Study


@dataclass(frozen=True)
class Mutation:
    """One way to break a promise.

    Attributes:
        name: what is done, in words.
        check: the check that must fail.
        apply: makes the change in a copy of a finished study; the generator varies it.
        also: further checks that rightly fail too; the tally names what is not foreseen here.
        variants: how many randomised variants are tried.
        options: of the `Study` that is audited.
    """

    name: str
    check: str
    apply: Callable[[Clone, np.random.Generator], None]
    also: frozenset[str] = field(default_factory=frozenset)
    variants: int = 2
    options: dict[str, bool] = field(default_factory=dict)


def outcomes(clone: Clone, checks: Sequence[str] = tuple(CHECKS), **options: bool) -> dict[str, Outcome]:
    """The audit of a clone, by check; judged in this process, the clone being the current directory."""
    before = Path.cwd()
    os.chdir(clone.folder)
    try:
        return {outcome.id: outcome for outcome in audit(Study(clone.folder, **options), list(checks))}
    finally:
        os.chdir(before)


def bless(clone: Clone) -> None:
    """`dvc commit -f`: DVC takes what lies in the workspace as it is, and its status is clean again."""
    result = clone.run("dvc", "commit", "--force", "--quiet", "dvc.yaml")
    assert result.returncode == 0, result.stderr


def flip_byte(path: Path, at: int) -> None:
    """Change one byte of a file and keep its size, times, mode and inode."""
    status = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at % status.st_size)
        byte = file.read(1)[0]
        file.seek(at % status.st_size)
        file.write(bytes([byte ^ 0xFF]))
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
