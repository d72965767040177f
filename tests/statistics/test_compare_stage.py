import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from synthtrace.params import load_params
from synthtrace.tables import MANIFEST, UNFILLED, curve_settings, write_predictions

ROOT = Path(__file__).parents[2]
OUTPUTS = (
    "metrics/summary.json",
    "metrics/curve.json",
    "plots/auc.csv",
    "plots/roc.csv",
    "plots/curve.csv",
    "plots/curve_roc.csv",
)


def run_stage(folder: Path, threads: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    command = [sys.executable, str(ROOT / "stages" / "compare.py")]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def workspace(tmp_path, predict):
    """The project's own parameters, and predictions of every scenario that they name."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    params = load_params(ROOT / "params.yaml")
    folder = tmp_path / "data" / "predictions"
    folder.mkdir(parents=True)
    for index, scenario in enumerate(["real", "traditional", *params.generator.kinds]):
        rate = 0.0 if scenario == "real" else params.mixing_rate
        write_predictions(folder / f"{scenario}.parquet", predict({0: 17, 1: 38}, noise_seed=index, rate=rate, seeds=3))
    for scenario, points in curve_settings(params.curve, params.classifier).groupby("scenario"):
        tables = [
            predict({0: 17, 1: 38}, noise_seed=index, backbone=row.backbone, rate=row.mixing_rate, seeds=row.seeds).assign(
                run=row.run, scenario=scenario, selection=row.selection, mode=row["mode"]
            )
            for index, row in points.iterrows()
        ]
        (tmp_path / "data/curve" / scenario).mkdir(parents=True)
        pd.concat(tables, ignore_index=True).to_parquet(tmp_path / "data/curve" / scenario / "predictions.parquet")
        pd.DataFrame(columns=UNFILLED).to_csv(tmp_path / "data/curve" / scenario / "unfilled.csv", index=False)
    (tmp_path / "data/crops").mkdir()
    pd.DataFrame(columns=MANIFEST).to_csv(tmp_path / "data/crops/manifest.csv", index=False)
    return tmp_path


def test_two_runs_write_the_same_bytes_whatever_the_threads(workspace):
    first = run_stage(workspace, threads=1)
    assert first.returncode == 0, first.stderr
    before = {name: (workspace / name).read_bytes() for name in OUTPUTS}
    assert run_stage(workspace, threads=2).returncode == 0
    assert {name: (workspace / name).read_bytes() for name in OUTPUTS} == before


def test_a_missing_scenario_is_one_sentence_exit_code_1_and_no_output(workspace):
    (workspace / "data" / "predictions" / "traditional.parquet").unlink()
    result = run_stage(workspace, threads=1)
    assert result.returncode == 1
    assert result.stderr == "compare: error: data/predictions/traditional.parquet: no such table\n"
    assert not any((workspace / name).exists() for name in OUTPUTS)
