"""`synthtrace results`: evidence is kept whole, and the committed state is back afterwards."""

import hashlib
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

SCRIPT = """\
import hashlib, json, sys, time
from pathlib import Path

import yaml

seed = yaml.safe_load(Path("params.yaml").read_text())["seed"]
for folder in ("crops", "curve/real", "folds", "predictions"):
    Path("data", folder).mkdir(parents=True, exist_ok=True)
for folder in ("metrics/quality", "records/number", "report"):
    Path(folder).mkdir(parents=True, exist_ok=True)
table = f"table of seed {seed}"
Path("data/folds/folds.csv").write_text("fold\\n")
Path("data/predictions/real.parquet").write_text(table)
Path("data/predictions/stale.parquet").write_text("of another run")
Path("data/crops/manifest.csv").write_text("image_id,patient_id,label,name,hi\\n007,1,0,Ann,0.10\\n")
Path("data/curve/real/predictions.parquet").write_text(f"curve of seed {seed}")
Path("data/curve/real/training.parquet").write_text("large")
Path("report/index.html").write_text(f"page of seed {seed}")
Path("metrics/summary.json").write_text(json.dumps({"seed": seed}))
Path(f"metrics/quality/extra{seed}.json").write_text("{}")
Path(f"records/number/{hashlib.md5(table.encode()).hexdigest()}.json").write_text(json.dumps({"seed": seed}))
print("number: written", flush=True)
if seed == 13:
    sys.exit("number: error: 13")
if seed == 60:
    time.sleep(60)
"""
PROJECT = Path(__file__).parents[2]
CACHED = ["data/predictions/real.parquet", "data/curve/real"]
STAGE = {
    "cmd": "python stages/number.py",
    "deps": ["stages/number.py"],
    "params": ["seed"],
    "outs": ["data/folds/folds.csv", *CACHED, {"metrics/summary.json": {"cache": False}}],
}


@pytest.fixture
def study(toy):
    """The toy repository with one stage that writes what a study writes, run once and committed."""
    (toy.root / "stages/number.py").write_text(SCRIPT)
    (toy.root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"number": STAGE}}))
    for name, text in {
        ".gitignore": "/records/\n/.scratch/\n/report/\n",
        ".dvcignore": "results\n",
        "data/.gitignore": "*\n!.gitignore\n",
        "code.json": "{}\n",
        "presets/good.yaml": "seed: 2\n",
        "presets/better.yaml": "seed: 3\n",
        "presets/bad.yaml": "seed: 13\n",
        "presets/slow.yaml": "seed: 60\n",
        "presets/wrong.yaml": "sed: 2\n",
    }.items():
        (toy.root / name).parent.mkdir(exist_ok=True)
        (toy.root / name).write_text(text)
    assert toy.run("synthtrace", "repro").returncode == 0
    toy.run("git", "add", ".")
    assert toy.run("git", "commit", "--quiet", "-m", "state").returncode == 0
    return toy


def state(study):
    """What must be as before: Git's view, and the out that dvc.lock names."""
    assert study.run("git", "status", "--porcelain", "--", ".", ":!results").out == ""
    assert "up to date" in study.run("dvc", "status").out
    return (study.root / "data/predictions/real.parquet").read_text()


def test_a_run_leaves_its_evidence_and_the_committed_state(study):
    before = state(study)
    process = study.run("synthtrace", "results", "good")
    assert process.returncode == 0, process.err
    assert (study.root / "report/good.html").read_text() == "page of seed 2"
    evidence = study.root / "results/good"
    assert sorted(str(path.relative_to(evidence)) for path in evidence.rglob("*") if path.is_file()) == [
        "code.json",
        "curve/real/listing.json",
        "curve/real/predictions.parquet",
        "dvc.lock",
        "dvc.yaml",
        "folds.csv",
        "metrics/quality/extra2.json",
        "metrics/quality/extra20231116.json",
        "metrics/summary.json",
        "params.yaml",
        "predictions/real.parquet",
        *(f"records/number/{path.name}" for path in (evidence / "records/number").iterdir()),
    ]
    assert json.loads((evidence / "metrics/summary.json").read_text()) == {"seed": 2}
    assert (evidence / "predictions/real.parquet").read_text() == "table of seed 2"
    assert [json.loads(path.read_text()) for path in (evidence / "records/number").iterdir()] == [{"seed": 2}]
    assert "seed: 2 " in (evidence / "params.yaml").read_text()
    assert state(study) == before == "table of seed 20231116"


def test_of_a_folder_of_the_curve_the_predictions_are_kept_with_dvcs_listing_of_all(study):
    assert study.run("synthtrace", "results", "good").returncode == 0
    evidence = study.root / "results/good"
    (out,) = [
        one for one in yaml.safe_load((evidence / "dvc.lock").read_text())["stages"]["number"]["outs"] if "curve" in one["path"]
    ]
    listing = (evidence / "curve/real/listing.json").read_bytes()
    assert hashlib.md5(listing).hexdigest() + ".dir" == out["md5"]
    files = {entry["relpath"]: entry["md5"] for entry in json.loads(listing)}
    assert sorted(files) == ["predictions.parquet", "training.parquet"]
    kept = (evidence / "curve/real/predictions.parquet").read_bytes()
    assert files["predictions.parquet"] == hashlib.md5(kept).hexdigest()


def test_of_the_manifest_only_baselines_are_kept_each_cell_as_it_was(study):
    (study.root / "presets/hi.yaml").write_text("seed: 4\ndataset: {baselines: [hi]}\n")
    assert study.run("synthtrace", "results", "hi").returncode == 0
    assert (study.root / "results/hi/baselines.csv").read_text() == "image_id,patient_id,label,hi\n007,1,0,0.10\n"


def test_a_second_run_replaces_the_evidence_whole(study):
    (study.root / "results/better").mkdir(parents=True)
    (study.root / "results/better/old.txt").write_text("old")
    assert study.run("synthtrace", "results", "better").returncode == 0
    assert not (study.root / "results/better/old.txt").exists()
    assert (study.root / "results/better/dvc.lock").exists()


def test_a_failed_run_keeps_no_evidence_and_restores(study):
    before = state(study)
    (study.root / "results/bad").mkdir(parents=True)
    (study.root / "results/bad/old.txt").write_text("old")
    process = study.run("synthtrace", "results", "bad")
    assert process.returncode == 1
    assert "number: error: 13" in process.out
    assert "left as it was" in process.err
    assert [path.name for path in (study.root / "results/bad").iterdir()] == ["old.txt"]
    assert state(study) == before


def test_an_interrupted_run_keeps_no_evidence_and_restores(study):
    before = state(study)
    process = study.start("synthtrace", "results", "slow")
    deadline = time.monotonic() + 20
    while not Path(study.root / "metrics/quality/extra60.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 1
    assert not (study.root / "results").exists()
    assert state(study) == before


def test_a_changed_tracked_file_is_refused_by_name_and_kept(study):
    (study.root / "metrics/summary.json").write_text("mine")
    (study.root / "metrics/notes.txt").write_text("mine too")
    process = study.run("synthtrace", "results", "good")
    assert (process.returncode, process.err.count("\n")) == (1, 1)
    assert "metrics/summary.json" in process.err
    assert "metrics/notes.txt" in process.err
    assert (study.root / "metrics/summary.json").read_text() == "mine"


def test_a_refused_preset_changes_nothing(study):
    process = study.run("synthtrace", "results", "wrong")
    assert (process.returncode, process.err.count("\n")) == (1, 1)
    assert "unknown parameter 'sed'" in process.err
    state(study)


def test_the_preset_of_another_study_runs_in_its_folder_and_leaves_the_main_one_alone(study):
    own = study.root / "studies/segmentation"
    own.mkdir(parents=True)
    shutil.copy(PROJECT / "studies/segmentation/params.yaml", own)
    (study.root / "stages/segmentation").mkdir()
    segmenters = 'Path("data/segmenters/real").mkdir(parents=True, exist_ok=True)\n'
    segmenters += 'for name in ("skipped.csv", "training.parquet"):\n    Path("data/segmenters/real", name).write_text(table)\n'
    script = SCRIPT.replace('print("number', segmenters + 'print("number')
    (study.root / "stages/segmentation/number.py").write_text(script)
    command = {"cmd": "python ../../stages/segmentation/number.py", "deps": ["../../stages/segmentation/number.py"]}
    outs = {"outs": [*STAGE["outs"], "data/segmenters/real"]}
    (own / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"number": STAGE | command | outs}}))
    (own / ".gitignore").write_text("/records/\n/.scratch/\n/report/\n/data/\n")
    (study.root / "presets/other.yaml").write_text("study: segmentation\nseed: 2\n")
    assert subprocess.run(["synthtrace", "repro"], cwd=own, env=study.env, check=False).returncode == 0
    study.run("git", "add", ".")
    study.run("git", "commit", "--quiet", "-m", "another study")
    before = state(study), (study.root / "metrics/summary.json").read_bytes()
    process = study.run("synthtrace", "results", "other")
    assert process.returncode == 0, process.err
    evidence = study.root / "results/other"
    assert json.loads((evidence / "metrics/summary.json").read_text()) == {"seed": 2}
    kept = {"dvc.lock", "folds.csv", "predictions", "segmenters", "records"}
    assert kept <= {path.name for path in evidence.iterdir()}
    assert sorted(path.name for path in (evidence / "segmenters/real").iterdir()) == ["listing.json", "skipped.csv"]
    assert (own / "report/other.html").read_text() == "page of seed 2"
    assert (own / "data/predictions/real.parquet").read_text() == "table of seed 20230612"
    assert (state(study), (study.root / "metrics/summary.json").read_bytes()) == before
