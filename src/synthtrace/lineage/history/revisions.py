"""Git commits and DVC experiments that hold a file, and files as they were, read as blobs without a checkout."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

from synthtrace.errors import InputError

# as DVC names the ref of an experiment: refs/exps/<its baseline's hash, after two digits a slash>/<name>
EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38,}/(?P<name>[^/]+)")
FIELDS = "%H%x00%cI%x00%s"


@dataclass(frozen=True)
class Revision:
    """`commit` is null for the workspace; `name` is an experiment's, or a commit's short hash; `date` is ISO 8601."""

    kind: Literal["workspace", "commit", "experiment"]
    name: str
    commit: str | None = None
    date: str | None = None
    subject: str | None = None


def revisions(folder: Path, path: str) -> list[Revision]:
    """Commits of HEAD's history that touch a file, and all experiments, newest first; `path` is relative to `folder`.

    Raises InputError outside Git, or before the first commit.
    """
    commits = [_revision("commit", line) for line in _git(folder, "log", f"--format={FIELDS}", "HEAD", "--", path)]
    experiments = []
    for line in _git(folder, "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps"):
        commit, _, ref = line.partition(" ")
        if found := EXPERIMENT.fullmatch(ref):
            fields = _git(folder, "show", "--no-patch", f"--format={FIELDS}", commit)[0]
            experiments.append(_revision("experiment", fields, found["name"]))
    # the sort is stable: commits of one second stay in Git's order
    return sorted([*experiments, *commits], key=lambda one: datetime.fromisoformat(one.date or ""), reverse=True)


def _revision(kind: Literal["commit", "experiment"], line: str, name: str | None = None) -> Revision:
    commit, date, subject = line.split("\0", 2)
    return Revision(kind, name or commit[:7], commit, date, subject)


def _git(folder: Path, *arguments: str) -> list[str]:
    result = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        raise InputError(f"git {arguments[0]} in {folder}: {result.stderr.strip() or 'failed'}; expected a history of commits")
    return result.stdout.splitlines()


class Blobs:
    """Files of commits by path relative to a folder of the working tree, through one `git cat-file` process."""

    def __init__(self, asked: IO[bytes], answers: IO[bytes], prefix: str) -> None:
        self._asked, self._answers, self._prefix = asked, answers, prefix

    def read(self, commit: str, path: str) -> bytes | None:
        """A file's bytes at a commit; None when it was not there."""
        self._asked.write(f"{commit}:{self._prefix}{path}\n".encode())
        self._asked.flush()
        header = self._answers.readline().split()
        if len(header) != 3 or not header[2].isdigit():
            return None
        content = self._answers.read(int(header[2]) + 1)[:-1]
        return content if header[1] == b"blob" else None


@contextmanager
def blobs(folder: Path) -> Iterator[Blobs]:
    """Open a folder's repository for reading files of its commits."""
    prefix = _git(folder, "rev-parse", "--show-prefix")
    command = ["git", "cat-file", "--batch"]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Blobs(process.stdin, process.stdout, prefix[0] if prefix else "")
