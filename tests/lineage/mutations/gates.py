"""Data and suites that a gate never judged; DVC is told each time that all is well."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from edits import drawn, files
from mutation import Mutation, bless
from PIL import Image
from pipeline_clone import Clone

from synthtrace.quality.gate import json_digest, write_json


def _swap(path: Path, random: np.random.Generator) -> None:
    """Another picture of the same size and mode: a few grey levels off, somewhere."""
    with Image.open(path) as image:
        pixels = np.array(image)
    row, column = (int(random.integers(side)) for side in pixels.shape[:2])
    pixels[row, column] = (pixels[row, column] + random.integers(1, 4)) % 5
    Image.fromarray(pixels).save(path)


def swap_scan(clone: Clone, random: np.random.Generator) -> None:
    _swap(drawn(files(clone.folder / "data/scans", "*.png"), random), random)
    bless(clone)


def encode_scan_anew(clone: Clone, random: np.random.Generator) -> None:
    """The same pixels in other bytes: nobody but the gate minds."""
    path = drawn(files(clone.folder / "data/scans", "*.png"), random)
    with Image.open(path) as image:
        image.load()
    image.save(path, compress_level=int(random.integers(1, 4)))
    bless(clone)


def swap_crop(clone: Clone, random: np.random.Generator) -> None:
    _swap(drawn(files(clone.folder / drawn(["data/crops/maps", "data/crops/native"], random), "*.png"), random), random)
    bless(clone)


def swap_candidate(clone: Clone, random: np.random.Generator) -> None:
    _swap(drawn(files(clone.folder / "data/pools", "*.png"), random), random)
    bless(clone)


def _verdict(clone: Clone, random: np.random.Generator) -> tuple[Path, dict[str, Any]]:
    path = drawn(files(clone.folder / "metrics/quality", "*.json"), random)
    return path, json.loads(path.read_text())


def other_suite(clone: Clone, random: np.random.Generator) -> None:
    """The verdict of an older suite."""
    path, verdict = _verdict(clone, random)
    write_json(path, verdict | {"suite": random.bytes(32).hex()})
    bless(clone)


def failed_expectation(clone: Clone, random: np.random.Generator) -> None:
    """A gate that should have been shut."""
    path, verdict = _verdict(clone, random)
    drawn([item for item in verdict["expectations"] if item["severity"] == "error"], random)["pass"] = False
    write_json(path, verdict)
    bless(clone)


def edit_pass(clone: Clone, random: np.random.Generator) -> None:
    """A pass for other data."""
    path = drawn(files(clone.folder / "data/gates", "*.json"), random)
    write_json(path, json.loads(path.read_text()) | {"data": random.bytes(32).hex()})
    bless(clone)


def unjudged_fold(clone: Clone, random: np.random.Generator) -> None:
    """Verdict and pass agree, and say nothing of a pool that goes on."""
    kind, fold = drawn(["class", "semantic"], random), drawn([0, 1], random)
    verdict, passed = clone.folder / f"metrics/quality/pools-{kind}.json", clone.folder / f"data/gates/pools-{kind}.json"
    found = json.loads(verdict.read_text())
    del found["judged"][f"data/pools/{kind}/fold{fold}"]
    found["data"] = json_digest(found["judged"])
    write_json(verdict, found)
    write_json(passed, {name: found[name] for name in ("gate", "data", "pass")})
    bless(clone)


# bytes that a cached stage did not make: DVC then keeps two results of it
TAKEN = frozenset({"determinism"})

MUTATIONS = [
    Mutation("a scan swapped after its gate and blessed", "gates", swap_scan, also=TAKEN | {"folds"}),
    Mutation("a scan encoded anew after its gate and blessed", "gates", encode_scan_anew, also=TAKEN),
    Mutation(
        "a crop's map or native crop swapped after its gate and blessed",
        "gates",
        swap_crop,
        also=TAKEN | {"folds", "replay"},
        variants=3,
    ),
    Mutation(
        "a candidate swapped after its gate and blessed",
        "gates",
        swap_candidate,
        also=TAKEN | {"ledger", "replay", "memorisation", "numbers"},
    ),
    Mutation("a verdict made with another suite, blessed", "gates", other_suite),
    Mutation("a verdict that passes with a failed expectation, blessed", "gates", failed_expectation),
    Mutation("a pass file edited and blessed", "gates", edit_pass),
    Mutation("a verdict that leaves out a pool, with its pass, blessed", "gates", unjudged_fold),
]
