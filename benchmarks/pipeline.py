"""Seconds a stage, and how much of it is start-up: `make bench`, after a run of the pipeline.

Seconds are those that a stage's last run wrote to records/. Start-up is measured now: a script that does nothing but import
what the stage's may import, started afresh, as plain `dvc repro` does, and forked from a parent that has loaded the libraries,
as `synthtrace repro` does, until it has ended. It is an upper bound: under some parameters a stage skips an import. Recorded
seconds begin when a script reads its parameters, so that the imports at its top are not in them and its late ones are.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from synthtrace.digests import digest
from synthtrace.engine import commands, shim
from synthtrace.fingerprint.closure import closure
from synthtrace.fingerprint.modules import PACKAGE, Library, parse
from synthtrace.stage import progress

SERVER = Path(commands.__file__).with_name("server.py")

Imports = list[tuple[str, list[str]]]


@dataclass
class Cost:
    """Seconds to start a script, afresh and forked, and the seconds of its last runs."""

    fresh: float
    forked: float
    runs: list[float]


def script_imports(library: Library, path: Path) -> Imports:
    """Every module, and the names taken from it, that a stage's script may import: libraries first, then the package's own."""
    sources, foreign = closure(library, parse(path, path.name, package=""), None)
    own = [(name, []) for name in sources if name.partition(".")[0] == PACKAGE and "/" not in name]
    return sorted((statement.base, list(statement.names)) for statement in foreign) + own


def write_probe(path: Path, imports: Imports) -> Path:
    """A script that does nothing but these imports."""
    lines = [f"from {base} import {', '.join(names)}" if names else f"import {base}" for base, names in imports]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def fresh_seconds(probe: Path) -> float:
    """Seconds from start to end of a new interpreter that runs the probe."""
    started = time.perf_counter()
    subprocess.run([sys.executable, str(probe)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def forked_seconds(probe: Path, address: str) -> float:
    """The same for a fork of the server at `address`."""
    started = time.perf_counter()
    connection = shim.submit(address, [str(probe)], str(Path.cwd()), dict(os.environ), (0, 1, 2))
    with connection:
        shim.receive(connection)
        if shim.receive(connection):
            raise RuntimeError(f"{probe}: the forked script failed")
    return time.perf_counter() - started


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The parent that `synthtrace repro` forks from, all libraries loaded; yields its address."""
    address = folder / "server"
    preload = json.dumps(commands.stage_imports(Path()))
    process = subprocess.Popen([sys.executable, "-P", str(SERVER), str(address), preload, str(os.getpid())])
    try:
        while not address.exists():
            if process.poll() is not None:
                raise RuntimeError(f"{SERVER} ended with exit code {process.returncode}")
            time.sleep(0.05)
        yield str(address)
    finally:
        process.terminate()
        process.wait()


def last_runs() -> dict[str, list[float]]:
    """Seconds by script of the last run of each of its commands, as far as the output is still what that run wrote."""
    now = cache(lambda output: digest(output) if output.exists() else None)
    runs: dict[str, dict[tuple[str, ...], tuple[str, float]]] = {}
    for path in sorted(Path("records").glob("*/*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if now(Path(record["output"])) == path.stem:
            command, run = tuple(record["command"]), (record["started"], record["seconds"])
            of_script = runs.setdefault(Path(command[0]).stem, {})
            of_script[command] = max(run, of_script.get(command, run))
    return {script: [seconds for _, seconds in of_script.values()] for script, of_script in runs.items()}


def measure() -> dict[str, Cost]:
    """The cost of every script in stages/; those with the same libraries share one measurement."""
    library, runs = Library(Path()), last_runs()
    costs: dict[str, Cost] = {}
    measured: dict[frozenset[str], tuple[float, float]] = {}
    # the server comes first: it leaves the libraries in the disk cache, so that both ways of starting find them there
    with TemporaryDirectory(prefix="synthtrace-bench-") as name, server(Path(name)) as address:
        for path in progress(sorted(Path("stages").glob("*.py")), "starting", unit="script"):
            imports = script_imports(library, path)
            libraries = frozenset(base.split(".")[0] for base, _ in imports) - sys.stdlib_module_names
            if libraries not in measured:
                probe = write_probe(Path(name) / path.name, imports)
                measured[libraries] = fresh_seconds(probe), forked_seconds(probe, address)
            costs[path.stem] = Cost(*measured[libraries], runs.get(path.stem, []))
    return costs


def summary(costs: dict[str, Cost]) -> dict[str, Any]:
    """What the last line says; totals are over the recorded runs, the ratio is over one start of every script."""
    fresh, forked = (sum(getattr(cost, kind) for cost in costs.values()) for kind in ("fresh", "forked"))
    return {
        "name": "pipeline",
        "runs": sum(len(cost.runs) for cost in costs.values()),
        "seconds": round(sum(sum(cost.runs) for cost in costs.values()), 3),
        "startup_fresh": round(sum(cost.fresh * len(cost.runs) for cost in costs.values()), 3),
        "startup_forked": round(sum(cost.forked * len(cost.runs) for cost in costs.values()), 3),
        "fresh_over_forked": round(fresh / forked, 1),
        "scripts": {
            script: {
                "runs": len(cost.runs),
                "seconds": round(sum(cost.runs), 3) if cost.runs else None,
                "startup_fresh": round(cost.fresh, 3),
                "startup_forked": round(cost.forked, 3),
            }
            for script, cost in costs.items()
        },
    }


def show(found: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("script")
    for column in ("runs", "seconds, all runs", "a fresh start", "a forked start"):
        table.add_column(column, justify="right")
    for script, cost in found["scripts"].items():
        seconds = "-" if cost["seconds"] is None else f"{cost['seconds']:.1f}"
        table.add_row(script, str(cost["runs"]), seconds, f"{cost['startup_fresh']:.2f}", f"{cost['startup_forked']:.2f}")
    console = Console(highlight=False)
    console.print(table)
    if not found["runs"]:
        console.print("no run is recorded here: `make repro` first, then this shows its seconds")
        return
    console.print(
        f"{found['runs']} runs took {found['seconds']:.1f} s; starting each of them costs {found['startup_fresh']:.1f} s in "
        f"fresh processes (dvc repro) and {found['startup_forked']:.1f} s in forked ones (synthtrace repro)"
    )


if __name__ == "__main__":
    result = summary(measure())
    show(result)
    print(json.dumps(result))
