"""Three studies, each run once for all tests that need one: the phantom, and slices of the real fatty-liver
and histology sets.

Worker processes of one run share them: whoever needs a study first makes it, the others wait and read the same folder. So
nothing may change in it; a test that changes a study takes a copy (`Clone.copied`).
"""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from campaign import pytest_addoption, pytest_terminal_summary  # noqa: F401 (hooks)
from filelock import FileLock
from pipeline_clone import PATCHES, ROOT, SMALL, Clone

PCAM = ROOT.parent / "shared" / "data" / "pcam_96_subset"
BYRA = ROOT.parent / "shared" / "data" / "byra_liver_us_full"

# Git's quiet refresh of its index would change a study that another process copies
os.environ["GIT_OPTIONAL_LOCKS"] = "0"

Shared = Callable[[str, Callable[[Path], None]], Clone]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Shared:
    """Makes a study, by its name and what makes it in a new folder, unless another worker has."""
    own = tmp_path_factory.getbasetemp()
    top = own if worker_id == "master" else own.parent

    def once(name: str, make: Callable[[Path], None]) -> Clone:
        folder, done = top / f"{name}-study" / "clone", top / f"{name}-study.done"
        with FileLock(top / f"{name}-study.lock"):
            assert done.exists() or not folder.parent.exists(), f"another worker could not make the {name} study"
            if not done.exists():
                make(folder)
                done.touch()
        return Clone(folder)

    return once


@pytest.fixture(scope="session")
def phantom(shared: Shared) -> Clone:
    """The phantom study, brought up to date once by `synthtrace repro`."""
    return shared("phantom", lambda folder: _reproduced(Clone.fresh(folder)))


@pytest.fixture(scope="session")
def byra(shared: Shared) -> Clone:
    """The preset cpu-byra, shrunk, on twelve patients of the real fatty-liver set."""

    def make(folder: Path) -> None:
        small = {"dataset": {"path": str(twelve(folder))}, "preprocess": {"image_size": 32}}
        _reproduced(Clone.fresh(folder).lay("cpu-byra"), **small)

    return shared("byra", make)


@pytest.fixture(scope="session")
def patches(shared: Shared) -> Clone:
    """Papers 3 and 4, shrunk, on some 80 real histology patches: every kind of generator for patches but `dit`."""

    def make(folder: Path) -> None:
        clone = Clone.fresh(folder).lay("cpu-histo")
        _reproduced(clone, **PATCHES | {"dataset": {"path": str(eighty(folder))}})

    return shared("patches", make)


@pytest.fixture
def real_table() -> Callable[[Path], Path]:
    """Makes a table of real scans beside a study's folder."""
    return twelve


def twelve(study: Path) -> Path:
    """A table of two frames of twelve real patients, beside a study's folder; skips where the set is absent."""
    if not BYRA.exists():
        pytest.skip(f"the fatty-liver set is not at {BYRA}")
    table = study.parent / "table"
    table.mkdir(parents=True, exist_ok=True)
    manifest = pd.read_csv(BYRA / "manifest.csv", dtype=str)
    patients = [f"P{number:02d}" for number in (0, 1, 2, 3, 4, 5, 17, 18, 19, 42, 43, 44)]
    manifest = manifest[manifest["patient_id"].isin(patients) & manifest["frame"].isin(["1", "2"])]
    manifest.to_csv(table / "manifest.csv", index=False)
    (table / "images").symlink_to(BYRA / "images")
    return table


def eighty(study: Path) -> Path:
    """A table of 60 training and 20 validation patches, beside a study's folder; skips where the set is absent."""
    if not PCAM.exists():
        pytest.skip(f"the PatchCamelyon subset is not at {PCAM}")
    table = study.parent / "table"
    table.mkdir(parents=True, exist_ok=True)
    manifest = pd.read_csv(PCAM / "manifest.csv", dtype=str)
    some = manifest.groupby(["pcam_split", "label"]).head(30)
    few = some.groupby(["pcam_split", "label"]).cumcount() < some["pcam_split"].map({"train": 30, "valid": 10})
    some[few].to_csv(table / "manifest.csv", index=False)
    (table / "images").symlink_to(PCAM / "images")
    return table


def _reproduced(clone: Clone, **blocks: object) -> None:
    clone.set(**SMALL)
    clone.set(**blocks)
    result = clone.run("synthtrace", "repro")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
