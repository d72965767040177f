"""How fast the check `bytes` reads, beside md5sum on the same files, in turns. `make bench` runs it.

    python benchmarks/audit.py [STUDY]...

STUDY is a folder with a dvc.lock whose outs are there. Without one, two are made: 10,000 files as large as 64-pixel images,
where opening a file costs most, and 10,000 as large as 256-pixel images, where md5 does. Each lies in the workspace and in
DVC's cache, so that 20,000 files are read. A turn before the first lets both read from memory. md5sum gets the names of the
files ready made (`xargs md5sum`); the check finds them by itself, reads the lock and the listings, and compares. Seconds are
those that pass; those of the processor, which other work on the machine changes less, give the last ratio.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from synthtrace.lineage.checks import bytes as bytes_check
from synthtrace.lineage.findings import status_of
from synthtrace.lineage.hashing import Hasher, files_below, folder_digest
from synthtrace.lineage.study import Study
from synthtrace.stage import progress

IMAGES = 10_000
SIZES = {"64 pixels": 3_300, "256 pixels": 52_000}  # bytes of a grey PNG of a scan with such sides
ROUNDS = 5
MOST = 1.3  # times md5sum's


class Recorder(Hasher):
    """A hasher that keeps the names of what it read."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    def file(self, path: str | Path) -> str:
        """Hex md5 of a file's bytes."""
        md5 = super().file(path)
        self.paths.append(str(path))
        return md5


def make_study(root: Path, size: int) -> None:
    """A finished study of one stage, its out of IMAGES files about this large."""
    _write(root / ".dvc/config", b"[core]\n    no_scm = true\n")
    random = np.random.default_rng(size)
    images = root / "data/images"
    images.mkdir(parents=True)
    for number in progress(range(IMAGES), f"making files of {size:,} bytes", unit="file"):
        (images / f"{number:05d}.png").write_bytes(random.bytes(int(size * random.uniform(0.8, 1.2))))
    entries = Hasher().entries(images)
    keep = Study(root).cached
    for name, path in files_below(images).items():
        _write(keep(entries[name]), Path(path).read_bytes())
    listing = json.dumps([{"md5": entries[name], "relpath": name} for name in sorted(entries)], sort_keys=True)
    digest = folder_digest(entries)
    _write(keep(digest), listing.encode())
    stage = "  images:\n    cmd: 'true'\n    outs:\n"
    (root / "dvc.yaml").write_text(f"stages:\n{stage}      - data/images\n")
    (root / "dvc.lock").write_text(f"stages:\n{stage}      - {{path: data/images, md5: {digest}}}\n")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def compare(root: Path, name: str) -> dict[str, Any]:
    """Median seconds of both over ROUNDS turns."""
    recorder = Recorder()
    _check(root, recorder)
    names = "\0".join(dict.fromkeys(recorder.paths)).encode()
    turns = []
    for _ in progress(range(ROUNDS), "taking turns", unit="round"):
        md5sum = _timed(lambda: subprocess.run(["xargs", "-0", "md5sum"], input=names, stdout=subprocess.DEVNULL, check=True))
        turns.append([*md5sum, *_timed(lambda: _check(root, Hasher()))])
    passed, cpu, audit_passed, audit_cpu = (statistics.median(column) for column in zip(*turns, strict=True))
    return {
        "study": name,
        "files": names.count(b"\0") + 1,
        "megabytes": round(recorder.bytes_read / 1e6, 1),
        "md5sum": round(passed, 3),
        "audit": round(audit_passed, 3),
        "ratio": round(audit_passed / passed, 2),
        "cpu ratio": round(audit_cpu / cpu, 2),
    }


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that pass, and those of the processor, in this process and those that it starts."""
    passed, cpu = time.perf_counter(), sum(os.times()[:4])
    work()
    return time.perf_counter() - passed, sum(os.times()[:4]) - cpu


def _check(root: Path, hasher: Hasher) -> None:
    study = Study(root)
    study.hasher = hasher
    status = status_of(list(bytes_check.check(study)))
    assert status != "fail", f"{root}: expected a study whose bytes are as its lock says"


def measure(studies: list[Path]) -> list[dict[str, Any]]:
    """The given studies, or two made for this."""
    found = [compare(root, root.resolve().name) for root in studies]
    for name, size in SIZES.items() if not studies else ():
        with TemporaryDirectory(prefix="synthtrace-bench-") as folder:
            make_study(Path(folder), size)
            found.append(compare(Path(folder), name))
    return found


def show(found: list[dict[str, Any]]) -> None:
    """The table for people."""
    table = Table(title=f"medians of {ROUNDS} turns; a ratio of at most {MOST} is wanted")
    for key in found[0]:
        table.add_column(key, justify="left" if key == "study" else "right")
    for one in found:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in one.values()))
    Console(highlight=False).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The check `bytes` beside md5sum on the same files.")
    parser.add_argument("studies", nargs="*", type=Path, metavar="STUDY", help="folders with a dvc.lock; none: two are made")
    result = measure(parser.parse_args().studies)
    show(result)
    print(json.dumps({"name": "audit", "most": MOST, "studies": result}))
