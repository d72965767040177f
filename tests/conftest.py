"""Two studies, each run once for all tests that need one: the phantom and a slice of the real fatty-liver set."""

import pandas as pd
import pytest
from pipeline_clone import ROOT, SMALL, Clone

BYRA = ROOT.parent / "shared" / "data" / "byra_liver_us_full"


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The phantom study, brought up to date once by `synthtrace repro`."""
    clone = Clone(tmp_path_factory.mktemp("phantom") / "clone")
    clone.set(**SMALL)
    result = clone.run("synthtrace", "repro")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return clone


@pytest.fixture(scope="session")
def byra(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The same study on twelve patients of the real fatty-liver set."""
    if not BYRA.exists():
        pytest.skip(f"the fatty-liver set is not at {BYRA}")
    table = tmp_path_factory.mktemp("byra")
    manifest = pd.read_csv(BYRA / "manifest.csv", dtype=str)
    patients = [f"P{number:02d}" for number in (0, 1, 2, 3, 4, 5, 17, 18, 19, 42, 43, 44)]
    manifest = manifest[manifest["patient_id"].isin(patients) & manifest["frame"].isin(["1", "2"])]
    manifest.to_csv(table / "manifest.csv", index=False)
    (table / "images").symlink_to(BYRA / "images")
    clone = Clone(tmp_path_factory.mktemp("byra-study") / "clone")
    columns = {"path": "file", "label": "label", "patient_id": "patient_id", "frame": "frame"}
    empty = {"grade": None, "mask_path": None, "group_id": None}
    clone.set(**SMALL)
    clone.set(
        dataset={"kind": "table", "path": str(table), "columns": columns | empty},
        autoencoder={"mode": "scratch"},
        mixing_rate=0.5,
    )
    result = clone.run("synthtrace", "repro")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return clone
