"""Numbers are computed again; what differs is named by its key, and in evidence rounding is told from alteration."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from pipeline_clone import ROOT

from synthtrace.compare import curve_from_predictions, from_predictions
from synthtrace.lineage.audit import audit
from synthtrace.lineage.findings import Outcome, Severity
from synthtrace.lineage.study import Study
from synthtrace.params import parse_params
from synthtrace.tables import UNFILLED

KEY = "scenarios.semantic.auc_image.mean"


RUN = {
    "backbone": "net",
    "freezing": "none",
    "balanced": False,
    "seeds": 2,
    "scenarios": ["traditional", "semantic"],
    "selections": ["none"],
    "modes": ["augment"],
    "rates": [0.5],
}
CELL = {"selection": "none", "mode": "augment"}
OUTS = {"metrics": ["summary.json", "curve.json"], "plots": ["auc.csv", "roc.csv", "curve.csv", "curve_roc.csv"]}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of one stage, `compare`, on made-up predictions."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["generator"]["kinds"], params["compare"]["bootstrap"] = ["semantic"], 100
    params["split"]["folds"], params["curve"]["runs"] = [0, 1], [RUN]
    rng = np.random.default_rng(1)
    images = pd.DataFrame({"patient_id": np.repeat([f"P{number}" for number in range(10)], 2), "label": np.repeat([0, 1], 10)})
    images["image_id"], images["fold"] = [f"i{number}" for number in images.index], images.index // 2 % 2
    (tmp_path / "data/predictions").mkdir(parents=True)
    for scenario in ("real", "traditional", "semantic"):
        for path, rate, named in (
            (f"data/predictions/{scenario}.parquet", 1.0, {}),
            (f"data/curve/{scenario}/predictions.parquet", 0.5, {"run": "net none", "scenario": scenario} | CELL),
        ):
            cells = pd.DataFrame({**named, "backbone": "net", "mixing_rate": rate * (scenario != "real"), "seed": [0, 1]})
            table = cells.merge(images, how="cross")
            table["p1"] = rng.random(len(table))
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            table.assign(p0=1 - table["p1"]).to_parquet(tmp_path / path)
        pd.DataFrame(columns=UNFILLED).to_csv(tmp_path / f"data/curve/{scenario}/unfilled.csv", index=False)
    result = from_predictions(tmp_path / "data/predictions", parse_params(params))
    curve, curve_auc, curve_roc = curve_from_predictions(tmp_path / "data/curve", parse_params(params))
    for folder in ("metrics/quality", "plots"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "metrics/quality/scans.json").write_text("{}")
    for name, tree in {"summary": result.summary, "curve": curve}.items():
        (tmp_path / f"metrics/{name}.json").write_text(json.dumps(tree, indent=2) + "\n")
    for name, table in {"auc": result.auc, "roc": result.roc, "curve": curve_auc, "curve_roc": curve_roc}.items():
        table.to_csv(tmp_path / f"plots/{name}.csv", index=False)
    keys = {"compare.bootstrap": 100, "generator.kinds": ["semantic"], "mixing_rate": 1.0, "seed": params["seed"]}
    outs = [f"{folder}/{name}" for folder, names in OUTS.items() for name in names]
    stage = {"cmd": "compare", "deps": ["data/predictions", "data/curve"], "params": list(keys), "outs": outs}
    lock = {"cmd": "compare", "params": {"params.yaml": keys}, "outs": [{"path": path, "md5": "0"} for path in outs]}
    for name, tree in {"params.yaml": params, "dvc.yaml": {"stages": {"compare": stage}}}.items():
        (tmp_path / name).write_text(yaml.safe_dump(tree))
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"compare": lock}}))
    return tmp_path


def judged(study: Path, evidence: bool = False) -> Outcome:
    if evidence:
        for name in ("predictions", "curve"):
            (study / f"data/{name}").rename(study / name)
    return next(audit(Study(study, evidence=evidence), ["numbers"]))


def said(outcome: Outcome, severity: Severity) -> list[str]:
    return [finding.message for finding in outcome.findings if finding.severity == severity]


def edit(study: Path, change: Callable[[dict[str, Any]], None], indent: int = 2) -> None:
    path = study / "metrics/summary.json"
    summary = json.loads(path.read_text())
    change(summary)
    path.write_text(json.dumps(summary, indent=indent) + "\n")


def times(factor: float) -> Callable[[dict[str, Any]], None]:
    def change(summary: dict[str, Any]) -> None:
        summary["scenarios"]["semantic"]["auc_image"]["mean"] *= factor

    return change


@pytest.mark.parametrize("evidence", [False, True])
def test_numbers_that_the_predictions_give_pass(study: Path, evidence: bool) -> None:
    found = judged(study, evidence)
    assert found.status == "pass", found.findings
    summary, curve = said(found, "note")
    assert summary.startswith("computed again from the predictions: ")
    assert re.search(
        r"\d values of metrics/curve.json, \d+ values of plots/curve.csv, \d+ values of plots/curve_roc.csv$", curve
    )


@pytest.mark.parametrize("evidence", [False, True])
def test_an_altered_number_is_named_by_its_key_with_both_values(study: Path, evidence: bool) -> None:
    edit(study, times(1.001))
    (told,) = said(judged(study, evidence), "fail")
    assert told.startswith(f"metrics/summary.json: {KEY} is 0.")
    assert "; the predictions give 0." in told


def test_the_last_bits_may_differ_in_evidence_and_nowhere_else(study: Path) -> None:
    edit(study, times(1 + 1e-13))
    assert judged(study).status == "fail"
    found = judged(study, evidence=True)
    assert found.status == "warn"
    assert said(found, "warn")[0].endswith("the libraries of today round otherwise")


def test_numbers_too_many_and_too_few_are_named(study: Path) -> None:
    edit(study, lambda summary: summary.update(better=1.0))
    edit(study, lambda summary: summary["scenarios"]["real"].pop("auc_patient"))
    told = said(judged(study), "fail")
    assert "metrics/summary.json: better is 1.0; the predictions give no such number" in told
    assert any("scenarios.real.auc_patient.ci95.1 is no such number" in one for one in told)


def test_the_same_numbers_in_other_bytes_are_told(study: Path) -> None:
    edit(study, lambda summary: None, indent=4)
    (told,) = said(judged(study), "fail")
    assert (
        told == "metrics/summary.json: its numbers are those that the predictions give, its bytes are not what the stage writes"
    )
    assert judged(study, evidence=True).status == "warn"


def test_a_plot_is_judged_by_row_and_column(study: Path) -> None:
    table = pd.read_csv(study / "plots/auc.csv")
    table.loc[3, "auc_patient"] += 0.0001
    table.to_csv(study / "plots/auc.csv", index=False)
    (told,) = said(judged(study), "fail")
    assert told.startswith("plots/auc.csv: auc_patient of row 4 (traditional, net, 1, ")
    table.head(4).to_csv(study / "plots/auc.csv", index=False)
    assert said(judged(study), "fail") == ["plots/auc.csv: has 4 rows; the predictions give 6 of 5 cells"]


def test_a_point_of_the_curve_is_named_by_its_key(study: Path) -> None:
    path = study / "metrics/curve.json"
    curve = json.loads(path.read_text())
    curve["runs"][0]["points"][2]["auc_patient"]["mean"] += 0.0001
    path.write_text(json.dumps(curve, indent=2) + "\n")
    (told,) = said(judged(study), "fail")
    assert told.startswith("metrics/curve.json: runs.0.points.2.auc_patient.mean is 0.")


def test_a_prediction_of_the_curve_altered_shows_in_its_points_alone(study: Path) -> None:
    path = study / "data/curve/semantic/predictions.parquet"
    table = pd.read_parquet(path)
    table.assign(p1=1 - table["p1"]).to_parquet(path)
    told = [one for one in said(judged(study), "fail") if one.startswith("metrics/")]
    assert any("runs.0.points.2.auc_image.mean" in one for one in told)
    assert all("runs.0.points.2." in one or "p_holm" in one for one in told)


def test_a_prediction_altered_shows_in_the_numbers_that_rest_on_it(study: Path) -> None:
    path = study / "data/predictions/semantic.parquet"
    table = pd.read_parquet(path)
    table["p1"] = 1 - table["p1"]
    table.to_parquet(path)
    told = said(judged(study), "fail")
    assert f"metrics/summary.json: {KEY} " in "".join(told)
    altered = [one for one in told if "p_holm" not in one]  # Holm's correction weighs all scenarios
    assert not any("scenarios.real" in one or "scenarios.traditional" in one for one in altered)


def test_todays_parameters_are_not_those_that_the_numbers_were_made_with(study: Path) -> None:
    params = yaml.safe_load((study / "params.yaml").read_text())
    (study / "params.yaml").write_text(yaml.safe_dump(params | {"mixing_rate": 2.0}))
    assert judged(study).status == "pass"


def test_a_file_that_nothing_computes_again_is_a_reservation(study: Path) -> None:
    (study / "metrics/better.json").write_text('{"auc": 1.0}')
    found = judged(study)
    assert found.status == "warn"
    assert said(found, "warn")[0].startswith("metrics/better.json: nothing computes its numbers again")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("metrics/summary.json", None),
        ("metrics/summary.json", "{"),
        ("metrics/summary.json", "[]"),
        ("plots/roc.csv", None),
        ("plots/roc.csv", ""),
        ("plots/roc.csv", 'scenario,fpr,tpr\n"'),
        ("metrics/curve.json", None),
        ("plots/curve_roc.csv", ""),
        ("data/curve/semantic/predictions.parquet", "no table"),
        ("data/predictions/semantic.parquet", None),
        ("data/predictions/semantic.parquet", "no table"),
    ],
)
def test_damage_is_told_and_never_crashes(study: Path, path: str, content: str | None) -> None:
    (study / path).unlink()
    if content is not None:
        (study / path).write_text(content)
    told = said(judged(study), "fail")
    assert told
    assert all(Path(path).name in one for one in told)


def test_probabilities_that_are_none_are_told(study: Path) -> None:
    path = study / "data/predictions/semantic.parquet"
    pd.read_parquet(path).assign(p1=np.nan).to_parquet(path)
    (told,) = said(judged(study), "fail")
    assert "data/predictions/semantic.parquet: p1 of image" in told
