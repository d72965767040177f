"""The data behind a gate are those that it judged."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline_clone import ROOT
from toy import found

from synthtrace.digests import digest
from synthtrace.params import load_params
from synthtrace.quality.gate import json_digest, suite_digest, write_json
from synthtrace.quality.suites.pools import expected

VERDICT, PASSED = "metrics/quality/pools-class.json", "data/gates/pools-class.json"
JUDGED = ["data/pools/class/fold0", "data/pools/class/fold1", "data/crops"]
READ = {"check": ["data/pools/class", "data/crops"], "classify": ["data/pools/class", "data/crops/manifest.csv", PASSED]}
PIPELINE = f"""
stages:
  sample:
    cmd: a
    outs: [data/pools/class/fold0, data/pools/class/fold1, data/crops]
  check:
    cmd: b
    deps: {READ["check"]}
    outs: [{PASSED}, {VERDICT}: {{cache: false}}]
  classify:
    cmd: c
    deps: {READ["classify"]}
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A gate with its data, its verdict and a stage behind it, written by hand."""
    folder = tmp_path / "study"
    (folder / ".dvc").mkdir(parents=True)
    (folder / "dvc.yaml").write_text(PIPELINE)
    shutil.copy(ROOT / "params.yaml", folder)
    for name in ("pools/class/fold0/a.png", "pools/class/fold1/b.png", "crops/manifest.csv", "crops/c.png"):
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    judge(folder)
    lock(folder)
    return folder


def judge(folder: Path, **change: Any) -> None:
    judged = {path: digest(folder / path) for path in JUDGED}
    answer = {"gate": "pools-class", "data": json_digest(judged), "pass": True}
    suite = suite_digest(expected(load_params(folder / "params.yaml")))
    expectations = [{"name": "files are there", "severity": "error", "pass": True}]
    for path, tree in {
        VERDICT: answer | {"judged": judged, "suite": suite, "expectations": expectations} | change,
        PASSED: answer,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_json(folder / path, tree)


def lock(folder: Path) -> None:
    """As `dvc commit` writes it."""
    declared = yaml.safe_load(PIPELINE)["stages"]
    stages = {
        name: {"cmd": stage["cmd"]}
        | {
            key: [{"path": path, "md5": digest(folder / path)} for path in map(name_of, stage.get(key, []))]
            for key in ("deps", "outs")
        }
        for name, stage in declared.items()
    }
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def name_of(entry: str | dict) -> str:
    return entry if isinstance(entry, str) else next(iter(entry))


def test_judged_data_that_went_on_raise_no_alarm(study: Path) -> None:
    assert found("gates", study) == found("gates", study, "warn") == []


def test_other_data_are_named_with_the_stages_that_have_them(study: Path) -> None:
    (study / "data/pools/class/fold1/b.png").write_text("other")
    lock(study)
    said = found("gates", study)
    assert [one for one in said if one.startswith("gate pools-class: judged data/pools/class/fold1 as ")]
    assert any(one.endswith(" today, as sample made it") for one in said)


def test_a_missing_folder_is_told_in_a_sentence(study: Path) -> None:
    shutil.rmtree(study / "data/pools/class/fold1")
    assert any("but it is missing today" in said for said in found("gates", study))


def test_a_stray_matters_only_where_it_went_on(study: Path) -> None:
    stray = study / "data/pools/class/fold9/c.png"
    stray.parent.mkdir()
    stray.write_text("left behind")
    assert found("gates", study) == []
    lock(study)
    (said,) = found("gates", study)
    assert said.startswith("gate pools-class: classify read data/pools/class as ")


def test_parts_of_judged_data_are_those_that_went_on(study: Path) -> None:
    path = study / "data/crops/manifest.csv"
    path.write_text("other")
    lock(study)
    judge(study)
    path.write_text("pools/class/fold0/a.png")
    assert any(said.startswith("gate pools-class: classify read data/crops/manifest.csv as ") for said in found("gates", study))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pass": False}, "its verdict has pass: False; expected true"),
        ({"expectations": []}, "its verdict lists no expectations"),
        ({"data": "0"}, "its verdict has data: 0; expected "),
        ({"judged": None}, "expected `judged`, the digests of the data by path"),
        ({"suite": "0"}, "was judged by suite 0, today's is "),
    ],
)
def test_a_verdict_that_does_not_hold_is_told_why(study: Path, change: dict, said: str) -> None:
    judge(study, **change)
    assert any(one.startswith(f"gate pools-class: {said}") for one in found("gates", study))


def test_a_damaged_verdict_is_a_finding(study: Path) -> None:
    (study / VERDICT).write_text("[]")
    (said,) = found("gates", study)
    assert said.endswith("expected a JSON object, found list")


def test_evidence_is_judged_by_its_lock_and_warned_of_todays_suite(study: Path) -> None:
    shutil.rmtree(study / "data")
    assert found("gates", study, evidence=True) == found("gates", study, "warn", evidence=True) == []
    params = study / "params.yaml"
    params.write_text(params.read_text().replace("image_size: 32 ", "image_size: 64 "))
    assert found("gates", study, evidence=True) == []
    assert len(found("gates", study, "warn", evidence=True)) == 1


def test_evidence_must_not_contradict_itself(study: Path) -> None:
    verdict = json.loads((study / VERDICT).read_text())
    verdict["judged"]["data/crops"] = hashlib.md5(b"other").hexdigest() + ".dir"
    verdict["data"] = json_digest(verdict["judged"])
    write_json(study / VERDICT, verdict)
    shutil.rmtree(study / "data")
    said = " ".join(found("gates", study, evidence=True))
    assert "judged data/crops as " in said
    assert "is not that of a pass of the data in the verdict" in said
    assert f"{VERDICT} is not the one that dvc.lock recorded" in said
