"""simulate, ingest and preprocess as they are run: in a folder with params.yaml, one process each."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from synthtrace.digests import digest
from synthtrace.scans.phantom import STUDY, UNLABELLED
from synthtrace.tables import read_manifest

ROOT = Path(__file__).parents[2]


def run(stage: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "stages" / f"{stage}.py"
    return subprocess.run([sys.executable, str(script)], cwd=folder, capture_output=True, text=True, check=False)


def write_params(folder: Path, **dataset: str) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["simulate"] = {"patients": 4, "frames": 2, "prevalence": 0.5, "unlabelled_patients": 1, "unlabelled_frames": 1}
    params["dataset"] |= {"kind": "phantom", "path": "data/raw/phantom", "labels": ["healthy", "nafld"]} | dataset
    params["dataset"]["patient_ids"] = "manifest"
    params["autoencoder"]["mode"] = "scratch"
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    (folder / "data").mkdir()
    (folder / "data/withdrawn.json").write_text("[]\n", encoding="utf-8")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_params(folder)
    for stage in ("simulate", "ingest", "preprocess"):
        result = run(stage, folder)
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith(f"{stage}: ")
    return folder


def test_the_phantom_runs_through_to_crops(study: Path) -> None:
    scans, crops = read_manifest(study / "data/scans"), read_manifest(study / "data/crops")
    assert len(scans) == len(crops) == 8
    assert crops["image_id"].tolist() == scans["image_id"].tolist()
    assert crops["scan_pixel_hash"].tolist() == scans["pixel_hash"].tolist()
    for column in ("path", "native_path", "map_path"):
        assert all((study / "data/crops" / path).is_file() for path in crops[column])


def test_the_same_parameters_give_the_same_bytes(study: Path) -> None:
    outs = ("data/raw/phantom", "data/raw/phantom_unlabelled", "data/scans", "data/crops")
    before = [digest(study / out) for out in outs]
    for stage in ("simulate", "ingest", "preprocess"):
        assert run(stage, study).returncode == 0
    assert [digest(study / out) for out in outs] == before


def test_a_truncated_image_ends_ingest_in_one_sentence_and_leaves_nothing(study: Path, tmp_path: Path) -> None:
    write_params(tmp_path, path=str(study / "data/raw/phantom"))
    image = study / "data/raw/phantom/images/P03_F1.png"
    whole = image.read_bytes()
    image.write_bytes(whole[: len(whole) // 2])
    try:
        result = run("ingest", tmp_path)
    finally:
        image.write_bytes(whole)
    assert result.returncode == 1
    assert "P03_F1.png" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "data/scans").exists()


def test_withdrawn_images_are_left_out_by_their_pixels(study: Path, tmp_path: Path) -> None:
    scans = read_manifest(study / "data/scans")
    gone = scans.loc[scans["patient_id"] == scans["patient_id"].iloc[0]]
    write_params(tmp_path, path=str(study / "data/raw/phantom"))
    (tmp_path / "data/withdrawn.json").write_text(json.dumps([{"pixel_hashes": gone["pixel_hash"].tolist()}]))
    result = run("ingest", tmp_path)
    assert result.returncode == 0, result.stderr
    assert "2 images were withdrawn" in result.stdout
    left = read_manifest(tmp_path / "data/scans")
    assert left["image_id"].tolist() == scans["image_id"].drop(gone.index).tolist()
    assert {path.name for path in (tmp_path / "data/scans/images").iterdir()} == {f"{name}.png" for name in left["image_id"]}


@pytest.mark.parametrize("content", [None, "{", "[1]"])
def test_a_missing_or_broken_list_of_withdrawals_ends_ingest_in_one_sentence(study: Path, tmp_path: Path, content) -> None:
    write_params(tmp_path, path=str(study / "data/raw/phantom"))
    (tmp_path / "data/withdrawn.json").unlink()
    if content:
        (tmp_path / "data/withdrawn.json").write_text(content)
    result = run("ingest", tmp_path)
    assert result.returncode == 1
    assert "data/withdrawn.json" in result.stderr
    assert result.stderr.count("\n") == 1


def test_nothing_is_simulated_for_a_study_on_real_scans(tmp_path: Path) -> None:
    write_params(tmp_path, kind="table", path="data/raw/mine")
    result = run("simulate", tmp_path)
    assert result.returncode == 0, result.stderr
    for name, columns in (("phantom", STUDY), ("phantom_unlabelled", UNLABELLED)):
        folder = tmp_path / "data/raw" / name
        assert [path.name for path in folder.iterdir()] == ["manifest.csv"]
        assert (folder / "manifest.csv").read_text() == ",".join(columns) + "\n"
