"""Realism scores (paper 4, Eq. 11) at the paper's size, chunk by chunk: `python benchmarks/realism.py`.

260,000 candidates against 26,000 real images, 512 features each. Each row is a process of its own, which prints its seconds
and by how much its peak of memory grew once the features were there: that must not grow with the candidates. The reference
keeps the full matrix of distances by torch's own exact `cdist`, at a size at which it fits (26,000 x 2,600), and must give the
same scores. `ratio` is its seconds over ours there, on the same threads, in turn.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from synthtrace.features import neighbours

FEATURES, NEIGHBOURS = 512, 3
REAL = 26_000
CANDIDATES = (26_000, 130_000, 260_000)
# where the full matrix fits
SMALL = (26_000, 2_600)
# the most by which more candidates may raise the peak above that of the fewest; their scores alone take 2 MB
FLAT_MIB = 64
# relative; the reference works in float32
TOLERANCE = 1e-4


def features(count: int, seed: int) -> np.ndarray:
    """Features (count, 512), float32."""
    return np.random.default_rng(seed).standard_normal((count, FEATURES), dtype=np.float32)


def peak_mib() -> float:
    """The process's peak of resident memory so far, on Linux; `ru_maxrss` begins with that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def by_chunks(candidates: np.ndarray, real: np.ndarray) -> np.ndarray:
    """As the project computes it."""
    return neighbours.realism(candidates, real, neighbours.radii(real, NEIGHBOURS))


def by_full_matrix(candidates: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Of whole matrices of distances, as reference implementations have it."""
    there = torch.from_numpy(real)
    among = torch.cdist(there, there, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
    radius = among.kthvalue(NEIGHBOURS, dim=1).values
    apart = torch.cdist(torch.from_numpy(candidates), there, compute_mode="donot_use_mm_for_euclid_dist")
    return (radius / apart).amax(dim=1).double().numpy()


def row(candidates: int, real: int) -> dict[str, Any]:
    """Seconds and growth of the peak of this process."""
    own, others = features(candidates, 1), features(real, 0)
    by_chunks(own[:2048], others[:2048])
    before, started = peak_mib(), time.perf_counter()
    scores = by_chunks(own, others)
    seconds = time.perf_counter() - started
    return {
        "candidates": candidates,
        "real": real,
        "seconds": seconds,
        "features_mib": (own.nbytes + others.nbytes) / 2**20,
        "grew_mib": peak_mib() - before,
        "full_matrix_mib": candidates * real * 4 / 2**20,
        "median": float(np.median(scores)),
    }


def alone(candidates: int) -> dict[str, Any]:
    """A row of a process of its own."""
    command = [sys.executable, __file__, "--row", str(candidates)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def against_full_matrix() -> dict[str, Any]:
    """Both ways at a size at which the full matrix fits, in turn, the least of two runs each."""
    own, others = features(SMALL[0], 1), features(SMALL[1], 0)
    seconds: dict[str, list[float]] = {"chunks": [], "full": []}
    scores = {}
    for _ in range(2):
        for name, method in (("chunks", by_chunks), ("full", by_full_matrix)):
            started = time.perf_counter()
            scores[name] = method(own, others)
            seconds[name].append(time.perf_counter() - started)
    return {
        "candidates": SMALL[0],
        "real": SMALL[1],
        "seconds": min(seconds["chunks"]),
        "reference_seconds": min(seconds["full"]),
        "ratio": min(seconds["full"]) / min(seconds["chunks"]),
        "relative_difference": float(np.max(np.abs(scores["chunks"] / scores["full"] - 1))),
    }


def measure() -> dict[str, Any]:
    """Every row, and the comparison."""
    small = against_full_matrix()
    rows = [alone(candidates) for candidates in CANDIDATES]
    growth = [one["grew_mib"] for one in rows]
    return {
        "name": "realism",
        "ratio": small["ratio"],
        "same_result": small["relative_difference"] < TOLERANCE,
        "flat": max(growth) - growth[0] < FLAT_MIB,
        "threads": torch.get_num_threads(),
        "against_full_matrix": small,
        "rows": rows,
    }


def show(found: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("candidates", "real", "seconds", "features, MiB", "peak grew by, MiB", "full matrix, MiB")
    for one in found["rows"]:
        cells = [f"{one[name]:.0f}" for name in ("seconds", "features_mib", "grew_mib", "full_matrix_mib")]
        table.add_row(str(one["candidates"]), str(one["real"]), *cells)
    Console(highlight=False).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--row", type=int, help="of so many candidates alone, as JSON")
    arguments = parser.parse_args()
    if arguments.row:
        print(json.dumps(row(arguments.row, REAL)))
        raise SystemExit
    result = measure()
    show(result)
    print(json.dumps(result))
    if not (result["same_result"] and result["flat"]):
        raise SystemExit("the scores differ" if result["flat"] else "memory grows with the candidates")
