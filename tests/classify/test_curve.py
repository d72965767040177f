"""The stages `curve` and `classify` on a tiny study: their tables, and that too small a pool is told before any training."""

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
from synthtrace.classify.grid import Collected
from synthtrace.classify.recipes import of_classifier, of_curve
from synthtrace.classify.scenarios import stage_name
from synthtrace.classify.train import train_scenario
from synthtrace.errors import InputError
from synthtrace.images import write_image
from synthtrace.params import parse_params
from synthtrace.stage import Stage
from synthtrace.tables import CURVE, LEDGER, SELECTION, UNFILLED, curve_settings, read_unfilled, write_candidates

MODES = ["augment", "transfer", "synthetic"]
RUNS: list[dict[str, Any]] = [
    {
        "backbone": "test_resnet",
        "freezing": "partial",
        "seeds": 2,
        "scenarios": ["traditional", "class"],
        "selections": ["none"],
        "modes": ["augment"],
        "rates": None,
    },
    {
        "backbone": "test_resnet",
        "freezing": "all",
        "seeds": 1,
        "scenarios": ["class"],
        "selections": ["none", "realism"],
        "modes": MODES,
        "rates": [0.25, 1.5],
    },
]
POINT = ["run", "selection", "mode", "mixing_rate"]
# candidates whose realism reaches the threshold, by fold
REALISTIC = {0: 12, 1: 3}


def images(folder: Path, count: int, side: int, seed: int) -> list[Path]:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    paths = [folder / f"{folder.parent.name}{n:02d}.png" for n in range(count)]
    for path in paths:
        write_image(path, rng.integers(0, 256, (side, side), dtype=np.uint8))
    return paths


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve images of six patients in two folds, each with a pool of 13: the last is a copy, `kept` are the first eleven."""
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
        selected, scored = (folder / f"data/{place}/class/fold{fold}" for place in ("selected", "scored"))
        selected.mkdir(parents=True)
        scored.mkdir(parents=True)
        chosen = pd.DataFrame(dict.fromkeys(SELECTION, 0), index=range(13)).assign(
            image_id=rows["image_id"],
            label=rows["label"],
            copy=[n == 12 for n in range(13)],
            kept=[n < 11 for n in range(13)],
            realism=[1.5 if n < REALISTIC[fold] else 0.5 for n in range(13)],
            class_realism=0.0,
            centroid_distance=0.0,
            confidence=0.0,
        )
        chosen.to_parquet(selected / "selection.parquet")
        write_candidates(scored, chosen.drop(columns="kept"))
    return folder


@pytest.fixture
def inside(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the study's folder."""
    monkeypatch.chdir(study)
    monkeypatch.setenv("WANDB_MODE", "disabled")


@pytest.fixture
def stage(inside: None) -> Callable[..., tuple[pd.DataFrame, pd.DataFrame]]:
    """What stages/curve.py does for a scenario, in this process; `second_run` changes the run of that place."""

    def run(scenario: str, second_run: dict[str, Any] | None = None, **classifier: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        tree = yaml.safe_load(Path("params.yaml").read_text())
        tree["curve"]["runs"][1].update(second_run or {})
        tree["classifier"].update(classifier)
        running = Stage(stage_name("curve", scenario), parse_params(tree))
        done = train_scenario(running, scenario, of_curve(scenario, running.params), "curve.runs", "curve.rates")
        folder = Path("out")
        shutil.rmtree(folder, ignore_errors=True)
        write_curve(folder, scenario, done, 2)
        return pd.read_parquet(folder / "predictions.parquet"), pd.read_parquet(folder / "training.parquet")

    return run


@pytest.fixture
def comparison(inside: None) -> Callable[..., Collected]:
    """What stages/classify.py does for the kind `class`, in this process, with its parameters changed."""

    def run(mixing_rate: float, mode: str = "augment") -> Collected:
        tree = yaml.safe_load(Path("params.yaml").read_text())
        tree |= {"mixing_rate": mixing_rate, "training": {"mode": mode}}
        tree["classifier"].update(backbones=["test_resnet"], seeds=1, freezing="all")
        running = Stage(stage_name("classify", "class"), parse_params(tree))
        recipes = of_classifier("class", running.params)
        return train_scenario(running, "class", recipes, "classifier.backbones", "mixing_rate")

    return run


def trainings(table: pd.DataFrame) -> dict[tuple, int]:
    return table.groupby([*POINT, "seed", "fold"]).size().to_dict()


def test_a_scenario_s_tables_hold_every_point_of_every_run_that_lists_it(stage: Any) -> None:
    predictions, training = stage("class")
    assert predictions.columns.tolist() == [*CURVE, "p0", "p1"]
    assert training.columns.tolist() == ["run", "selection", "mode", "backbone", "mixing_rate", "seed", "fold", "image_id"]
    expected = {
        ("test_resnet partial", "none", "augment", rate, seed, fold)
        for rate in (0.5, 1.0)
        for seed in (0, 1)
        for fold in (0, 1)
    }
    for mode in MODES:
        points = [("none", 0.25), ("none", 1.5), ("realism", 0.25)]
        expected |= {("test_resnet all", selection, mode, rate, 0, fold) for selection, rate in points for fold in (0, 1)}
    assert trainings(predictions) == dict.fromkeys(expected, 4)
    assert set(trainings(training)) == expected
    assert set(predictions["scenario"]) == {"class"}
    for fold, rows in training.groupby("fold"):
        assert not {f"i{n}" for n in range(4 * fold, 4 * fold + 4)} & set(rows["image_id"])


def test_synthetic_images_are_those_of_the_fold_that_the_selection_keeps(stage: Any) -> None:
    _, training = stage("class")
    drawn = training[training["image_id"].str.startswith("s")]
    of_none = drawn[(drawn["selection"] == "none") & (drawn["mixing_rate"] == 1.5) & (drawn["mode"] == "synthetic")]
    for fold, kept in REALISTIC.items():
        ids = of_none.loc[of_none["fold"] == fold, "image_id"]
        assert set(ids) == {f"s{fold}-{n}" for n in range(12)}, "all but the copy, whatever the table's own choice"
        realistic = drawn.loc[(drawn["selection"] == "realism") & (drawn["fold"] == fold), "image_id"]
        assert set(realistic) <= {f"s{fold}-{n}" for n in range(kept)}
        assert len(realistic)


def test_a_point_that_a_selection_cannot_fill_in_one_fold_is_listed_and_trained_in_none(
    stage: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions, _ = stage("class")
    table = read_unfilled(Path("out"))
    assert table.columns.tolist() == UNFILLED
    assert list(table.itertuples(index=False, name=None)) == [
        ("test_resnet all", "class", "realism", mode, 1.5, *least)
        for mode in MODES
        for least in ((0, 0, 6, 7, 6), (1, 1, 1, 6, 6))  # of fold 1, one of the three that are kept is of class 1
    ]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        "curve@class: 3 points are left out, because too few candidates are kept: of realism as few as 1 of 6 nafld "
        "(fold 1), where 6 are needed; see unfilled.csv"
    )
    assert said[1] == "curve@class: 26 trainings of 2 steps a phase at mixing rate 0.25, 0.5, 1.0, 1.5 (cpu)"
    params = parse_params(yaml.safe_load(Path("params.yaml").read_text()))
    wanted = curve_settings(params.curve, params.classifier).query("scenario == 'class'")
    found = pd.concat([predictions[POINT], table[POINT]]).drop_duplicates()
    assert sorted(found.itertuples(index=False)) == sorted(wanted[POINT].itertuples(index=False))


def test_another_selection_or_mode_beside_a_point_changes_nothing_of_it(stage: Any) -> None:
    beside, _ = stage("class")
    alone, _ = stage("class", {"selections": ["realism"], "modes": ["synthetic"], "rates": [0.25]})
    rows = beside[(beside["selection"] == "realism") & (beside["mode"] == "synthetic")]
    pd.testing.assert_frame_equal(rows.reset_index(drop=True), alone[alone["selection"] == "realism"].reset_index(drop=True))


def test_real_images_are_rate_0_of_every_run_and_crops_are_named_after_their_original(stage: Any) -> None:
    real, _ = stage("real")
    assert set(real[POINT].itertuples(index=False, name=None)) == {
        (name, "none", "augment", 0.0) for name in ("test_resnet partial", "test_resnet all")
    }
    predictions, training = stage("traditional")
    assert set(predictions["run"]) == {"test_resnet partial"}
    crops = training.loc[training["image_id"].str.contains("~"), "image_id"]
    assert crops.str.fullmatch(r"i\d+~\d{5}").all()
    assert len(crops)
    assert read_unfilled(Path("out")).empty


def test_traditional_on_the_fly_draws_the_real_images_of_the_baseline(stage: Any) -> None:
    same = {"augmentation": "flip", "baseline_augmentation": "flip", "traditional": "on_the_fly"}
    (real, _), (found, training) = stage("real", **same), stage("traditional", **same)
    assert set(found["mixing_rate"]) == {0.0}
    assert not training["image_id"].str.contains("~").any()
    baseline = real[real["run"] == "test_resnet partial"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.drop(columns="scenario"), baseline.drop(columns="scenario"))
    (other, _) = stage("traditional", **same | {"augmentation": "none"})
    assert not other["p1"].equals(found["p1"])


def test_a_scenario_that_no_run_lists_has_tables_without_rows(study: Path, stage: Any) -> None:
    (study / "data/pools/semantic").symlink_to("class")
    (study / "data/scored/semantic").symlink_to("class")
    predictions, training = stage("semantic")
    assert len(predictions) == len(training) == 0
    assert predictions.columns.tolist() == [*CURVE, "p0", "p1"]


def test_an_unknown_backbone_is_told_before_any_training(stage: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"curve.runs: timm has no model 'resnet5O'"):
        stage("class", {"backbone": "resnet5O"})
    assert "trainings" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mixing_rate", "mode", "message"),
    [
        (2.0, "augment", r"mixing_rate 2.0 needs 9 synthetic images of healthy for class fold 0, .* kept 6 of 7 .* hold 11"),
        (0.0, "transfer", r"mixing_rate 0.0 gives class fold 0 no synthetic image, but mode 'transfer' .* expected a higher"),
        (0.0, "synthetic", r"mixing_rate 0.0 gives class fold 0 no synthetic image, but mode 'synthetic'"),
    ],
)
def test_in_the_comparison_a_pool_without_enough_images_is_an_error_before_any_training(
    comparison: Any, mixing_rate: float, mode: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=message):
        comparison(mixing_rate, mode)
    assert "trainings" not in capsys.readouterr().out


def test_the_comparison_draws_what_the_selection_table_keeps(comparison: Any) -> None:
    done = comparison(1.375, "synthetic")
    for fold, rows in done.drawn().groupby("fold"):
        assert set(rows["image_id"]) == {f"s{fold}-{n}" for n in range(11)}
    assert set(done.predicted(2)["fold"]) == {0, 1}


def test_the_stage_writes_the_folder_of_its_scenario(study: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "stages/curve.py"), "--scenario", "real"]
    done = subprocess.run(command, cwd=study, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "curve_real: 6 trainings of 2 steps at mixing rate 0.0 (cpu)\n"
    written = sorted(path.name for path in (study / "data/curve/real").iterdir())
    assert written == ["predictions.parquet", "training.parquet", "unfilled.csv"]
