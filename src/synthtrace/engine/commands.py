"""The commands of running stages: their output, their process groups, and the server that their scripts are forked from."""

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from synthtrace.engine.shim import ADDRESS
from synthtrace.errors import InputError
from synthtrace.fingerprint.closure import closure
from synthtrace.fingerprint.modules import Library, parse
from synthtrace.studies import study_of

HERE = Path(__file__).parent


def stage_imports(root: Path, scripts: str = "stages") -> list[tuple[str, list[str]]]:
    """The foreign modules, and the names taken from them, that the scripts of a folder import directly or not."""
    library = Library(root)
    imports = set()
    for path in sorted((root / scripts).glob("*.py")):
        with suppress(InputError):  # a script that does not parse says so when it runs
            imports |= closure(library, parse(path, path.name, package=""), None)[1]
    return sorted((statement.base, list(statement.names)) for statement in imports)


class Job:
    """A stage that is worked on: its time, and what its commands wrote."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.started = time.monotonic()
        self.output = bytearray()
        self.process: subprocess.Popen | None = None

    @property
    def text(self) -> str:
        """The output so far, progress bars as they last stood."""
        lines = bytes(self.output).decode(errors="replace").replace("\r\n", "\n").split("\n")
        return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    def read(self, reader: int) -> None:
        """Take all that is written, until every writer is gone."""
        with suppress(OSError):  # how a pseudo-terminal says so
            while data := os.read(reader, 65536):
                self.output += data
        os.close(reader)


class Commands:
    """Runs stages' commands in DVC's place while it is entered; its end ends the server and all its children."""

    def __init__(self, turn: threading.Lock, side_by_side: bool, terminal_width: int | None) -> None:
        self.jobs: dict[str, Job] = {}
        self.stopping = False
        self._turn = turn
        self._terminal_width = terminal_width
        self._server: subprocess.Popen | None = None
        self._folder = TemporaryDirectory(prefix="synthtrace-")
        # idle OpenMP threads of one stage must not spin on the cores of another
        self._policy = {"OMP_WAIT_POLICY": "PASSIVE"} if side_by_side and "OMP_WAIT_POLICY" not in os.environ else {}

    def __enter__(self) -> "Commands":
        from dvc.stage import run

        # the one place where DVC starts a command; all else of its work stays its own
        self._run, run._run = run._run, self.run
        return self

    def __exit__(self, *_: object) -> None:
        from dvc.stage import run

        run._run = self._run
        if self._server:
            self._server.terminate()
            try:
                self._server.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        self._folder.cleanup()

    def run(self, executable: str, command: str, **options: Any) -> None:
        """What `dvc.stage.run` calls for each command of a stage, on the thread that reproduces it."""
        from dvc.env import DVC_STAGE
        from dvc.stage.exceptions import StageCmdFailedError
        from dvc.stage.run import _make_cmd

        job = self.jobs[options["env"][DVC_STAGE]]
        options["env"] |= self._environment()
        # the group is the command's own, so that a signal from the keyboard reaches it through us alone
        options |= {"stdin": subprocess.DEVNULL, "process_group": 0}
        with _output(self._terminal_width) as (reader, writer):
            if self.stopping:
                raise StageCmdFailedError(command, -signal.SIGTERM)
            job.process = subprocess.Popen(_make_cmd(executable, command), stdout=writer, stderr=writer, **options)
        reading = threading.Thread(target=job.read, args=(reader,), daemon=True)
        reading.start()
        self._turn.release()
        try:
            status = job.process.wait()
            # a process that the command left behind may hold the output open: it is not waited for
            reading.join(timeout=2)
        finally:
            self._turn.acquire()
        if status:
            raise StageCmdFailedError(command, status)

    def end(self, number: int) -> None:
        """Signal all running commands and start no other."""
        self.stopping = True
        for job in list(self.jobs.values()):
            if job.process and job.process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(job.process.pid, number)

    def _environment(self) -> dict[str, str]:
        """`python` is the shim; the first command starts the server, and scripts run on their own until it is ready."""
        folder = Path(self._folder.name)
        shim = folder / "bin" / "python"
        if not self._server:
            shim.parent.mkdir()
            shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S {shlex.quote(str(HERE / "shim.py"))} "$@"\n')
            shim.chmod(0o755)
            study, top = study_of(Path())
            preload = json.dumps(stage_imports(top, study.scripts))
            self._server = subprocess.Popen(
                [sys.executable, "-P", str(HERE / "server.py"), str(folder / "server"), preload, str(os.getpid())],
                env={**os.environ, **self._policy},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        path = f"{shim.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {"PATH": path, ADDRESS: str(folder / "server"), **self._policy}


@contextmanager
def _output(terminal_width: int | None) -> Iterator[tuple[int, int]]:
    """Where a command writes: a pipe, or a pseudo-terminal where a person watches, so that progress bars are drawn."""
    reader, writer = os.pipe() if terminal_width is None else pty.openpty()
    if terminal_width is not None:
        termios.tcsetwinsize(writer, (24, terminal_width))
    try:
        yield reader, writer
    finally:
        os.close(writer)
