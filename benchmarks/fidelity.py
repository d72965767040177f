"""Frechet distance at FID's 2,048 features, from a Gram matrix and from covariances: `python benchmarks/fidelity.py`.

The reference is torchmetrics' own function: eigenvalues of the product of two 2,048 x 2,048 covariances, whatever the number of
images. For the largest sets the root of that product by scipy's `sqrtm`, as pytorch-fid takes it, is timed as well. All start
from the features, in float64, on the same threads, in turn. `ratio` is the least over the rows, against the eigenvalues.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy import linalg
from torchmetrics.image.fid import _compute_fid

from synthtrace.fidelity import frechet
from synthtrace.stage import progress

FEATURES = 2048
# synthetic and held-out images; 110 are a fold of the fatty-liver set
IMAGES = ((50, 50), (110, 110), (1000, 110), (500, 500), (1000, 1000))
# relative; the references take roots of eigenvalues that are zero but for rounding, of which there are 2,048 - N
TOLERANCE = 1e-5

Distance = Callable[[np.ndarray, np.ndarray], float]


def features(count: int, rng: np.random.Generator, shift: float) -> np.ndarray:
    """Features (count, 2048) like those of a pooled ReLU layer: not negative, correlated, a few directions wide."""
    mixing = np.random.default_rng(0).normal(size=(128, FEATURES)) * np.geomspace(1, 0.05, 128)[:, None]
    raw = rng.normal(loc=shift, size=(count, 128)) @ mixing / 4 + 0.1 * rng.normal(size=(count, FEATURES))
    return np.maximum(raw, 0)


def by_eigenvalues(first: np.ndarray, second: np.ndarray) -> float:
    """As torchmetrics computes it."""
    moments = []
    for rows in (first, second):
        tensor = torch.from_numpy(rows)
        moments += [tensor.mean(dim=0), torch.cov(tensor.T)]
    return float(_compute_fid(*moments))


def by_root(first: np.ndarray, second: np.ndarray) -> float:
    """As pytorch-fid computes it."""
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = linalg.sqrtm(one.dot(other))
    apart = first.mean(axis=0) - second.mean(axis=0)
    return float(apart.dot(apart) + np.trace(one) + np.trace(other) - 2 * np.trace(root).real)


def timed(method: Distance, sets: tuple[np.ndarray, np.ndarray], repeats: int) -> tuple[float, float]:
    """The distance, and the least of seconds over `repeats` runs."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        value = method(*sets)
        seconds.append(time.perf_counter() - started)
    return value, min(seconds)


def against(method: Distance, sets: tuple[np.ndarray, np.ndarray], repeats: int) -> dict[str, Any]:
    """Ours and a reference in turn: distance, seconds, ratio and relative difference."""
    ours, quick = timed(frechet.distance, sets, 5)
    value, slow = timed(method, sets, repeats)
    return {
        "images": len(sets[0]),
        "held_out": len(sets[1]),
        "distance": ours,
        "seconds": quick,
        "reference": method.__name__,
        "reference_seconds": slow,
        "ratio": slow / quick,
        "relative_difference": abs(ours - value) / value,
    }


def measure(repeats: int) -> dict[str, Any]:
    """A row a pair of sets; `repeats` runs of the reference each."""
    rng, rows = np.random.default_rng(1), []
    warm = features(200, rng, 0)
    frechet.distance(warm, warm + 1)
    for images, held_out in progress(IMAGES, "sets", unit="row"):
        sets = features(images, rng, 0.0), features(held_out, rng, 0.2)
        rows.append(against(by_eigenvalues, sets, repeats))
    root = against(by_root, sets, repeats)
    return {
        "name": "fidelity",
        "ratio": min(row["ratio"] for row in rows),
        "ratio_root": root["ratio"],
        "same_result": all(row["relative_difference"] < TOLERANCE for row in [*rows, root]),
        "features": FEATURES,
        "threads": torch.get_num_threads(),
        "rows": [*rows, root],
    }


def show(found: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("images", "held out", "distance", "Gram, s", "reference", "its s", "ratio", "differs by")
    for row in found["rows"]:
        cells = [f"{row['distance']:.3f}", f"{row['seconds']:.4f}", row["reference"], f"{row['reference_seconds']:.2f}"]
        cells += [f"{row['ratio']:.0f}", f"{row['relative_difference']:.0e}"]
        table.add_row(str(row["images"]), str(row["held_out"]), *cells)
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=120)
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1, help="runs of the reference a row")
    result = measure(parser.parse_args().repeats)
    show(result)
    print(json.dumps(result))
    if not result["same_result"]:
        raise SystemExit("the distances differ")
