"""The presets, shrunk to seconds with their structure kept, on the phantom and on real scans."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pipeline_clone import ROOT, SMALL, Clone

PRESET = yaml.safe_load((ROOT / "presets/paper-nafld.yaml").read_text())
RUNS = [run | {"seeds": 1} for run in PRESET["curve"]["runs"]]
# f4 for `semantic`, f8 for `class`, as in the preset; trained here, for weights cannot be had
SPACES = {"channels": [8, 8, 8], "latent_channels": 3, "pretrained": None}
OWN = {"channels": [8, 8, 8, 8], "latent_channels": 4, "pretrained": None}


def run(folder: Path, **dataset: object) -> Clone:
    clone = Clone.fresh(folder).lay("paper-nafld")
    clone.set(**{name: SMALL[name] for name in ("simulate", "split", "features", "generator", "sample", "fidelity", "compare")})
    clone.set(**{name: SMALL[name] for name in ("explain", "turing", "report")})
    clone.set(
        dataset=dataset,
        compute={"threads": 1, "precision": "float32"},
        preprocess={"image_size": 32},
        autoencoder=SMALL["autoencoder"] | SPACES | {"mode": "scratch", "kinds": {"class": OWN}},
        fidelity=SMALL["fidelity"] | {"inception": None},
        classifier={"weights": None, "seeds": 1, "steps": 2, "batch_size": 4},
        curve={"rates": [1.5], "runs": RUNS},
    )
    result = clone.run("synthtrace", "repro")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return clone


@pytest.mark.parametrize("scans", ["phantom", "real"])
def test_the_papers_preset_runs_whole_when_shrunk(tmp_path: Path, real_table: Callable[[Path], Path], scans: str) -> None:
    folder = tmp_path / "clone"
    real = {"path": str(real_table(folder))} if scans == "real" else None
    clone = run(folder, **(real or {"kind": "phantom", "path": "data/raw/phantom", "baselines": []}))
    curve = json.loads((clone.folder / "metrics/curve.json").read_text())
    points = {one["name"]: [(point["scenario"], point["mixing_rate"]) for point in one["points"]] for one in curve["runs"]}
    every = [("real", 0.0), ("traditional", 1.5), ("semantic", 1.5), ("class", 1.5)]
    assert points == {
        "resnet50 partial": every,
        "resnet50 all": every,
        "resnet50 none": every,
        "efficientnet_b0 partial": [("real", 0.0), ("semantic", 1.5)],
        "tf_efficientnetv2_s.in1k partial": [("real", 0.0), ("semantic", 1.5)],
        "resnet50 partial balanced": every,
    }
    sides = {
        space: json.loads((clone.folder / f"data/autoencoders/fold0/{space}/config.json").read_text())["latent_channels"]
        for space in ("shared", "class")
    }
    assert sides == {"shared": 3, "class": 4}
    summary = json.loads((clone.folder / "metrics/summary.json").read_text())
    assert list(summary["baselines"]) == (["hi"] if real else [])
    result = clone.run("synthtrace", "audit", "--fast")
    assert result.returncode == 0, result.stdout


def test_the_preset_for_two_cores_runs_on_the_phantom_too(tmp_path: Path) -> None:
    clone = Clone.fresh(tmp_path / "clone").lay("cpu-byra")
    clone.set(**SMALL)
    clone.set(dataset={"kind": "phantom", "path": "data/raw/phantom", "baselines": []}, preprocess={"image_size": 32})
    result = clone.run("synthtrace", "repro")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert json.loads((clone.folder / "metrics/summary.json").read_text())["patients"] == 8
