"""What every stage script shares: checked parameters, outputs that appear whole or not at all, a record of what happened."""

import contextlib
import ctypes
import errno
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from tqdm import tqdm

from synthtrace.digests import digest
from synthtrace.errors import InputError
from synthtrace.params import PARAMS_FILE, Params, Root, load_params

# before torch is loaded: threads that spin while they wait slow a stage down twentyfold when another runs beside it
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

T = TypeVar("T")
R = TypeVar("R", bound=Root)

SCRATCH = Path(".scratch")
RECORDS = Path("records")


def progress(items: Iterable[T], description: str, total: int | None = None, unit: str = "image") -> Iterable[T]:
    """A bar with rate and time left on a terminal, nothing elsewhere."""
    return tqdm(items, desc=description, total=total, unit=unit, disable=None, leave=False, dynamic_ncols=True)


def die_with_parent() -> None:
    """On Linux, let this process be killed when the process that started it dies: no orphan goes on writing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Stage(Generic[R]):
    """A running stage: its parameters, its outputs, and facts for its record."""

    def __init__(self, name: str, params: R) -> None:
        self.name = name
        self.params = params
        self.facts: dict[str, Any] = {}
        self.outputs: list[Path] = []

    def say(self, line: str) -> None:
        """One line on what the stage does and on what."""
        print(f"{self.name}: {line}", flush=True)

    @contextlib.contextmanager
    def output(self, path: str | Path) -> Iterator[Path]:
        """A temporary path to write a file or folder to; it takes its real name when the block ends without an error."""
        path = Path(path)
        scratch = SCRATCH / "outs" / "__".join(path.parts)
        _remove(scratch)
        scratch.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield scratch
        except BaseException:
            _remove(scratch)
            raise
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(path)
        scratch.rename(path)
        self.outputs.append(path)


@contextlib.contextmanager
def stage(name: str, model: type[R] = Params) -> Iterator[Stage[R]]:  # type: ignore[assignment]
    """Run a stage: a user's mistake is one sentence and exit code 1; success leaves a record a digest of its outputs.

    `model`: the parameters of the study that it is a stage of.
    """
    die_with_parent()
    started = time.time()
    try:
        running = Stage(name, load_params(PARAMS_FILE, model))
        yield running
        _record(running, started)
    except InputError as error:
        print(f"{name}: error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    except Exception as error:
        if not _disk_full(error):
            raise
        print(f"{name}: error: no space left on the device; nothing half-written was kept", file=sys.stderr, flush=True)
        raise SystemExit(1) from None


def _disk_full(error: Exception) -> bool:
    """Libraries that write by themselves (safetensors) tell of a full disk in words, not by an error number."""
    return getattr(error, "errno", None) == errno.ENOSPC or "no space left on device" in str(error).lower()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _record(running: Stage, started: float) -> None:
    """records/<stage>/<digest>.json: circumstances of a run, never hashed by DVC."""
    record = {
        "stage": running.name,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "command": sys.argv,
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "threads": running.params.compute.threads,
        **running.facts,
        "sources": _sources(),
        "packages": {item.name.lower(): item.version for item in importlib.metadata.distributions()},
    }
    for path in running.outputs:
        target = RECORDS / running.name / f"{digest(path)}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({"output": str(path), **record}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _sources() -> list[str]:
    """The project's own files that this process has loaded: the audit holds them against what the stage's digest covers.

    Those of the package as `src/synthtrace/...`, others in the working directory by their path in it.
    """
    package, here = Path(__file__).resolve().parent, Path.cwd().resolve()
    loaded = {Path(file).resolve() for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    found = {f"src/{path.relative_to(package.parent).as_posix()}" for path in loaded if path.is_relative_to(package)}
    others = {path.relative_to(here) for path in loaded if path.is_relative_to(here) and not path.is_relative_to(package)}
    found |= {path.as_posix() for path in others if "site-packages" not in path.parts}
    return sorted(found)


def _commit() -> str | None:
    """The Git commit of the working tree, with `-dirty` when tracked files differ from it; null outside Git."""
    result = subprocess.run(
        ["git", "describe", "--always", "--abbrev=40", "--dirty"], capture_output=True, text=True, check=False
    )
    return result.stdout.strip() or None
