"""From the phantom to clusters by the study's stage scripts, in one process, on a few pairs."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from synthtrace.cards import read_card
from synthtrace.errors import InputError
from synthtrace.fingerprint import fingerprints
from synthtrace.images import read_image
from synthtrace.params import load_params
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.studies import STUDIES, study_of
from synthtrace.tables import read_folds, read_manifest, with_role

PROJECT = Path(__file__).parents[2]
STUDY = PROJECT / "studies/segmentation"
HALF = [
    "fingerprint",
    "simulate",
    "ingest",
    "check_scans",
    "preprocess",
    "check_crops",
    "split",
    "check_folds",
    "features",
    "cluster",
]
NAME = r"\$\{.*?\}"  # of a kind, in dvc.yaml
SMALL = {
    "simulate": {"centres": 4, "images": 4, "empty_share": 0.25},
    "features": {"backbone": "test_resnet", "steps": 3, "batch_size": 8},
    "clusters": {"count": 2, "min_size": 1},
}
RUN = """\
import runpy, sys
for script in sys.argv[1:]:
    runpy.run_path(f"../../stages/segmentation/{script}.py", run_name="__main__")
"""


def workspace(folder: Path) -> Path:
    """The study's folder below a new top, with the scripts of the project."""
    for name in ("src", "stages", "requirements.lock"):
        (folder / name).symlink_to(PROJECT / name)
    study = folder / "studies/segmentation"
    (study / "data").mkdir(parents=True)
    shutil.copy(STUDY / "data/withdrawn.json", study / "data")
    tree = yaml.safe_load((STUDY / "params.yaml").read_text())
    for block, values in SMALL.items():
        tree[block] |= values
    (study / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return study


def run(study: Path, *scripts: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, *scripts]
    return subprocess.run(command, cwd=study, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = workspace(tmp_path_factory.mktemp("half"))
    result = run(study, *HALF)
    assert result.returncode == 0, result.stdout + result.stderr
    return study


def test_every_stage_has_a_digest_and_ingest_one_a_source(half: Path) -> None:
    digests = json.loads((half / "code.json").read_text())
    assert set(digests) == {path.stem for path in (PROJECT / "stages/segmentation").glob("*.py")}
    assert set(digests["ingest"]) == {"phantom", "table", "byra"}
    assert isinstance(digests["fingerprint"], str)


def test_digests_of_one_study_are_not_those_of_the_other() -> None:
    own, main = fingerprints(PROJECT, "stages/segmentation"), fingerprints(PROJECT)
    assert own["features"] != main["features"]
    assert set(main["train_generator"]) >= {"unet", "gan"}


def test_pairs_are_squashed_together_and_gates_are_open(half: Path) -> None:
    params = load_params(half / "params.yaml", SegmentationParams)
    manifest = read_manifest(half / "data/crops")
    assert len(manifest) == 16
    for _, row in manifest.iterrows():
        image, mask = (read_image(half / "data/crops" / row[name]) for name in ("path", "mask_path"))
        assert image.shape == (params.preprocess.image_size, params.preprocess.image_size, 3)
        assert set(np.unique(mask)) <= {0, 255}
        assert np.count_nonzero(mask) / mask.size == pytest.approx(row["mask_area"])
    assert (manifest["mask_area"] == 0).sum() == 4
    for gate in ("scans", "crops", "folds"):
        assert json.loads((half / f"data/gates/{gate}.json").read_text())["pass"]


def test_the_named_centre_tests_and_nothing_that_learns_saw_it(half: Path) -> None:
    manifest, folds = read_manifest(half / "data/crops"), read_folds(half / "data/folds/folds.csv")
    test, train = (with_role(manifest, folds, 0, role) for role in ("test", "train"))
    assert set(test["label_name"]) == {"C4"}
    assert set(train["label_name"]) == {"C1", "C2", "C3"}
    assert set(read_card(half / "data/features/fold0")["image_ids"]) <= set(train["image_id"])
    clusters = pd.read_csv(half / "data/clusters/fold0/clusters.csv")
    assert clusters["image_id"].tolist() == train["image_id"].tolist()
    report = json.loads((half / "data/clusters/fold0/report.json").read_text())
    assert clusters["cluster"].value_counts().sort_index().tolist() == report["sizes"]


def test_a_mask_that_is_no_mask_stops_at_the_door(half: Path, tmp_path: Path) -> None:
    study = shutil.copytree(half, tmp_path / "top/studies/segmentation")
    for name in ("src", "stages", "requirements.lock"):
        (tmp_path / "top" / name).symlink_to(PROJECT / name)
    table = pd.read_csv(study / "data/raw/lesions/manifest.csv")
    shutil.copy(study / "data/raw/lesions" / table["path"][0], study / "data/raw/lesions" / table["mask_path"][0])
    result = run(study, "ingest")
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ingest: error: ")
    assert last.endswith("expected 0 and 255 only, or 0 and 1")


def test_other_data_than_the_phantom_leave_its_folder_empty(tmp_path: Path) -> None:
    study = workspace(tmp_path)
    tree = yaml.safe_load((study / "params.yaml").read_text())
    tree["dataset"]["path"] = "data/raw/mine"
    (study / "params.yaml").write_text(yaml.safe_dump(tree))
    assert run(study, "simulate").returncode == 0
    assert list((study / "data/raw/lesions").iterdir()) == []


def test_every_parameter_that_a_stage_declares_is_there_and_every_dependency_is_made() -> None:
    tree, params = (yaml.safe_load((STUDY / name).read_text()) for name in ("dvc.yaml", "params.yaml"))
    stages = [stage.get("do", stage) for stage in tree["stages"].values()]
    made = {next(iter(out)) if isinstance(out, dict) else out for stage in stages for out in stage["outs"]}
    names = [name for stage in stages for name in stage.get("params", []) if isinstance(name, str)]
    for name in names:
        block = params
        for part in name.split("."):
            block = block[part]
    assert {name.partition(".")[0] for name in names} == set(params)
    made = {re.sub(NAME, "X", out) for out in made}
    for path in (path for stage in stages for path in stage.get("deps", [])):
        if not path.startswith(("..", "${dataset")) and path != "data/withdrawn.json":
            path = re.sub(NAME, "X", path)
            assert any(f"{path}/".startswith(f"{out}/") or out.startswith(f"{path}/") for out in made), path


def test_the_study_is_known_by_its_folder() -> None:
    assert study_of(STUDY) == (STUDIES["segmentation"], Path("../.."))
    assert study_of(PROJECT)[1] == Path()
    with pytest.raises(InputError, match="unknown parameter"):
        load_params(STUDY / "params.yaml", study_of(PROJECT)[0].model)
