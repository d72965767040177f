"""The stage `curve` on a tiny study: its tables, and that mistakes are told before any training."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from toy_fold import ROOT

from synthtrace.classify.curve import write_curve
from synthtrace.classify.recipes import of_curve
from synthtrace.classify.scenarios import stage_name
from synthtrace.classify.train import train_scenario
from synthtrace.errors import InputError
from synthtrace.images import write_image
from synthtrace.params import parse_params
from synthtrace.stage import Stage
from synthtrace.tables import LEDGER, PREDICTIONS, SELECTION

RUNS = [
    {"backbone": "test_resnet", "freezing": "partial", "seeds": 2, "scenarios": ["traditional", "class"], "rates": None},
    {"backbone": "test_resnet", "freezing": "all", "seeds": 1, "scenarios": ["class"], "rates": [1.5]},
]


def images(folder: Path, count: int, side: int, seed: int) -> list[Path]:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    paths = [folder / f"{folder.parent.name}{n:02d}.png" for n in range(count)]
    for path in paths:
        write_image(path, rng.integers(0, 256, (side, side), dtype=np.uint8))
    return paths


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve images of six patients in two folds, and a pool of ten, nine of them kept, for each."""
    folder = tmp_path_factory.mktemp("curve")
    tree: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["classifier"].update(steps=2, batch_size=8)
    tree["curve"] = {"rates": [0.5, 1.0], "runs": [run | {"balanced": False} for run in RUNS]}
    (folder / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    crops = folder / "data/crops"
    fixed, native = images(crops / "images", 12, 32, 0), images(crops / "native", 12, 40, 1)
    patients = [f"P{n // 2}" for n in range(12)]
    labels = [n // 2 % 2 for n in range(12)]
    manifest = pd.DataFrame(
        {
            "image_id": [f"i{n}" for n in range(12)],
            "pixel_hash": "x",
            "path": [path.relative_to(crops) for path in fixed],
            "native_path": [path.relative_to(crops) for path in native],
            "patient_id": patients,
            "label": labels,
            "label_name": "x",
            "frame": 0,
            "source": "toy",
        }
    )
    manifest.to_csv(crops / "manifest.csv", index=False)
    roles = [
        {"fold": fold, "image_id": f"i{n}", "patient_id": patients[n], "role": "test" if n // 4 == fold else "train"}
        for fold in (0, 1)
        for n in range(12)
    ]
    (folder / "data/folds").mkdir()
    pd.DataFrame(roles).to_csv(folder / "data/folds/folds.csv", index=False)
    for fold in (0, 1):
        pool = folder / f"data/pools/class/fold{fold}"
        paths = images(pool / "images", 13, 32, 10 + fold)
        rows = pd.DataFrame(dict.fromkeys(LEDGER, 0), index=range(13)).assign(
            image_id=[f"s{fold}-{n}" for n in range(13)],
            path=[str(path.relative_to(pool)) for path in paths],
            label=[n % 2 for n in range(13)],
        )
        rows.to_parquet(pool / "ledger.parquet")
        selected = folder / f"data/selected/class/fold{fold}"
        selected.mkdir(parents=True)
        chosen = pd.DataFrame(dict.fromkeys(SELECTION, 0), index=range(13)).assign(image_id=rows["image_id"], kept=True)
        chosen.loc[12, "kept"] = False
        chosen.to_parquet(selected / "selection.parquet")
    return folder


@pytest.fixture
def stage(study: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[pd.DataFrame, pd.DataFrame]]:
    """What stages/curve.py does for a scenario, in this process; `second_run` changes the run of that place."""
    monkeypatch.chdir(study)
    monkeypatch.setenv("WANDB_MODE", "disabled")

    def run(scenario: str, second_run: dict[str, Any] | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
        tree = yaml.safe_load(Path("params.yaml").read_text())
        tree["curve"]["runs"][1].update(second_run or {})
        running = Stage(stage_name("curve", scenario), parse_params(tree))
        done = train_scenario(running, scenario, of_curve(scenario, running.params), "curve.runs", "curve.rates")
        folder = Path("out")
        shutil.rmtree(folder, ignore_errors=True)
        write_curve(folder, scenario, done, 2)
        return pd.read_parquet(folder / "predictions.parquet"), pd.read_parquet(folder / "training.parquet")

    return run


def trainings(table: pd.DataFrame) -> dict[tuple, int]:
    return table.groupby(["run", "mixing_rate", "seed", "fold"]).size().to_dict()


def test_a_scenario_s_tables_hold_every_run_that_lists_it_at_its_rates(stage: Any) -> None:
    predictions, training = stage("class")
    assert predictions.columns.tolist() == ["run", "scenario", *PREDICTIONS, "p0", "p1"]
    assert training.columns.tolist() == ["run", "backbone", "mixing_rate", "seed", "fold", "image_id"]
    expected = {("test_resnet partial", rate, seed, fold) for rate in (0.5, 1.0) for seed in (0, 1) for fold in (0, 1)}
    expected |= {("test_resnet all", 1.5, 0, fold) for fold in (0, 1)}
    assert trainings(predictions) == dict.fromkeys(expected, 4)
    assert set(trainings(training)) == expected
    assert set(predictions["scenario"]) == {"class"}
    for (fold, _), rows in training.groupby(["fold", "seed"]):
        tested = {f"i{n}" for n in range(4 * fold, 4 * fold + 4)}
        assert not tested & set(rows["image_id"])
        assert f"s{fold}-12" not in set(rows["image_id"]), "a candidate that selection did not keep"


def test_real_images_are_rate_0_of_every_run_and_crops_are_named_after_their_original(stage: Any) -> None:
    real, _ = stage("real")
    assert set(zip(real["run"], real["mixing_rate"], strict=True)) == {("test_resnet partial", 0.0), ("test_resnet all", 0.0)}
    predictions, training = stage("traditional")
    assert set(predictions["run"]) == {"test_resnet partial"}
    crops = training.loc[training["image_id"].str.contains("~"), "image_id"]
    assert crops.str.fullmatch(r"i\d+~\d{5}").all()
    assert len(crops)


def test_a_scenario_that_no_run_lists_has_tables_without_rows(study: Path, stage: Any) -> None:
    (study / "data/pools/semantic").symlink_to("class")
    (study / "data/selected/semantic").symlink_to("class")
    predictions, training = stage("semantic")
    assert len(predictions) == len(training) == 0
    assert predictions.columns.tolist() == ["run", "scenario", *PREDICTIONS, "p0", "p1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"rates": [2.0]},
            r"curve.rates 2.0 needs 16 synthetic images for class fold 0, .* kept 12 of 13 .*least 18",
        ),
        ({"backbone": "resnet5O"}, r"curve.runs: timm has no model 'resnet5O'"),
    ],
)
def test_too_small_a_pool_or_an_unknown_backbone_is_told_before_any_training(
    stage: Any, change: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=message):
        stage("class", change)
    assert "trainings" not in capsys.readouterr().out


def test_the_stage_writes_the_folder_of_its_scenario(study: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "stages/curve.py"), "--scenario", "real"]
    done = subprocess.run(command, cwd=study, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "curve_real: 6 trainings of 2 steps at mixing rate 0.0 (cpu)\n"
    written = sorted(path.name for path in (study / "data/curve/real").iterdir())
    assert written == ["predictions.parquet", "training.parquet"]
