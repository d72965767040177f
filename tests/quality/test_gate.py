import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthtrace.digests import digest
from synthtrace.errors import InputError
from synthtrace.fingerprint.closure import closure
from synthtrace.fingerprint.modules import Library, parse
from synthtrace.params import load_params
from synthtrace.quality import expect
from synthtrace.quality.gate import json_digest, judge, pass_or_stop, suite_digest
from synthtrace.quality.measure import brightness, equal_pixels
from synthtrace.quality.suites import scans
from synthtrace.stage import Stage
from synthtrace.tables import MANIFEST, write_manifest

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "byra_liver_us_full"
PASS, VERDICT = Path("data/gates/sizes.json"), Path("metrics/quality/sizes.json")


def sizes(highest=9, severity="critical", todo="Shrink it."):
    smaller = expect.between("size", 0, highest, f"sizes are at most {highest}", todo, severity)
    return [expect.table_suite("things", ["image_id"], [smaller])]


def things(*values):
    return {"things": pd.DataFrame({"image_id": [f"t{index}" for index in range(len(values))], "size": values})}


@pytest.fixture
def run(tmp_path, monkeypatch):
    params = load_params(ROOT / "params.yaml")
    monkeypatch.chdir(tmp_path)
    Path("data.txt").write_text("judged", encoding="utf-8")
    return Stage("check_sizes", params)


def test_a_gate_that_passes_writes_verdict_and_pass_file(run):
    pass_or_stop(run, "sizes", ["data.txt"], things(1, 2), sizes())
    verdict = json.loads(VERDICT.read_text(encoding="utf-8"))
    assert list(verdict) == ["gate", "judged", "data", "suite", "pass", "expectations"]
    assert verdict["judged"] == {"data.txt": digest(Path("data.txt"))}
    assert json.loads(PASS.read_text(encoding="utf-8")) == {
        "gate": "sizes",
        "data": json_digest(verdict["judged"]),
        "pass": True,
    }
    assert verdict["expectations"] == [
        {
            "name": "sizes are at most 9",
            "severity": "error",
            "pass": True,
            "observed": {"column": "size", "empty": 0, "distinct": 2, "lowest": 1, "highest": 2},
            "checked": 2,
            "failed_count": 0,
            "failing_rows": [],
            "todo": "Shrink it.",
        }
    ]


def test_people_find_data_docs_outside_the_outputs(run, capfd):
    pass_or_stop(run, "sizes", ["data.txt"], things(1, 2), sizes())
    assert Path(".scratch/data_docs/sizes/index.html").is_file()
    assert {path.as_posix() for path in run.outputs} == {VERDICT.as_posix(), PASS.as_posix()}
    assert capfd.readouterr().err == ""


def test_a_changed_suite_changes_the_verdict_and_not_the_pass_file(run):
    pass_or_stop(run, "sizes", ["data.txt"], things(1, 2), sizes())
    before, passed = json.loads(VERDICT.read_text(encoding="utf-8")), PASS.read_bytes()
    pass_or_stop(run, "sizes", ["data.txt"], things(1, 2), sizes(highest=8))
    after = json.loads(VERDICT.read_text(encoding="utf-8"))
    assert after["suite"] != before["suite"]
    assert after["data"] == before["data"]
    assert PASS.read_bytes() == passed


def test_changed_data_changes_the_pass_file(run):
    pass_or_stop(run, "sizes", ["data.txt"], things(1, 2), sizes())
    passed = PASS.read_bytes()
    Path("data.txt").write_text("other", encoding="utf-8")
    pass_or_stop(run, "sizes", ["data.txt"], things(1, 2), sizes())
    assert PASS.read_bytes() != passed


@pytest.mark.parametrize("other", [sizes(highest=8), sizes(severity="warning"), sizes(todo="Cut it.")])
def test_the_suite_digest_covers_bounds_severity_and_advice(other):
    assert suite_digest(sizes()) == suite_digest(sizes())
    assert suite_digest(other) != suite_digest(sizes())


def test_a_gate_that_fails_keeps_the_verdict_and_takes_the_pass_file_away(run, capsys):
    pass_or_stop(run, "sizes", ["data.txt"], things(1, 2), sizes())
    with pytest.raises(InputError, match=r"gate sizes: 1 of 1 expectations failed.*metrics/quality/sizes\.json"):
        pass_or_stop(run, "sizes", ["data.txt"], things(1, 11), sizes())
    assert not PASS.exists()
    assert json.loads(VERDICT.read_text(encoding="utf-8"))["pass"] is False
    shown = capsys.readouterr().out
    assert "image_id t1, size 11" in shown
    assert "Shrink it." in shown


def test_a_warning_is_shown_and_opens_the_gate(run, capsys):
    pass_or_stop(run, "sizes", ["data.txt"], things(1, 11), sizes(severity="warning"))
    assert PASS.exists()
    shown = capsys.readouterr().out
    assert "image_id t1, size 11" in shown
    assert "1 expectations, 1 warning; the gate is open" in shown


def test_the_same_data_and_suite_give_the_same_bytes(run):
    pass_or_stop(run, "sizes", ["data.txt"], things(1, 2, np.nan), sizes())
    before = VERDICT.read_bytes()
    pass_or_stop(run, "sizes", ["data.txt"], things(1, 2, np.nan), sizes())
    assert VERDICT.read_bytes() == before


def test_at_most_twenty_failing_rows_are_kept_and_all_are_counted():
    item = judge("sizes", "digest", things(*range(100)), sizes())["expectations"][0]
    assert item["failed_count"] == 90
    assert [row["image_id"] for row in item["failing_rows"]] == [f"t{index}" for index in range(10, 30)]


def test_an_expectation_of_a_column_that_is_not_measured_is_a_bug_not_a_finding():
    unmeasured = [expect.table_suite("things", ["image_id"], [expect.true("exists", "things exist", "")])]
    with pytest.raises((RuntimeError, KeyError), match="exist"):
        judge("sizes", "digest", things(1), unmeasured)


def test_judging_neither_reports_over_the_network_nor_draws_bars(monkeypatch, capfd):
    def refuse(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert judge("sizes", "digest", things(1), sizes())["pass"]
    assert capfd.readouterr() == ("", "")


def test_the_pixels_decide_brightness_exactly():
    pixels = np.random.default_rng(3).integers(0, 256, (31, 17, 3), dtype=np.uint8)
    found = brightness(pixels)
    assert (found["lowest"], found["highest"]) == (pixels.min(), pixels.max())
    assert found["mean"] == pytest.approx(pixels.mean(), rel=1e-12)
    assert found["sd"] == pytest.approx(pixels.std(), rel=1e-12)
    assert brightness(np.full((4, 4), 7, np.uint8))["sd"] == 0


def test_of_three_equal_images_each_later_one_names_the_earlier():
    images = pd.DataFrame({"image_id": list("abcd"), "key": ["x", "x", "y", "x"]})
    side = pd.Series(["p", "p", "p", "q"])
    assert equal_pixels(images, "key", side, same=True).fillna("").tolist() == ["", "a", "", ""]
    assert equal_pixels(images, "key", side, same=False).fillna("").tolist() == ["", "", "", "a, b"]


@pytest.mark.parametrize("gate", ["scans", "crops", "folds", "pools", "predictions"])
def test_a_change_of_another_suite_does_not_rerun_a_gate(gate):
    script = parse(ROOT / "stages" / f"check_{gate}.py", name=f"stages/check_{gate}.py", package="")
    sources, _ = closure(Library(ROOT), script, None)
    suites = [name for name in sources if name.startswith("synthtrace.quality.suites.")]
    assert suites == [f"synthtrace.quality.suites.{gate}"]


def test_a_failed_gate_ends_its_stage_with_exit_code_1(study):
    (study.root / "data").mkdir()
    (study.root / "scans").rename(study.root / "data/scans")
    (study.root / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    command = [sys.executable, str(ROOT / "stages/check_scans.py")]
    result = subprocess.run(command, cwd=study.root, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "every class has 5 patients" in result.stdout
    assert "Lower split.folds" in result.stdout
    assert result.stderr.startswith("check_scans: error: gate scans: 1 of 18 expectations failed")
    assert (study.root / "metrics/quality/scans.json").is_file()
    assert not (study.root / "data/gates/scans.json").exists()


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real fatty-liver set is not at {REAL}")
def test_the_six_identical_pairs_of_the_real_set_are_a_warning_with_the_rows_named(tmp_path):
    theirs = pd.read_csv(REAL / "manifest.csv", dtype={"patient_id": str})
    theirs = theirs[theirs["patient_id"].isin(["P05", "P13", "P20", "P42"])]
    (tmp_path / "images").mkdir()
    rows = []
    for row in theirs.itertuples():
        image_id = f"{row.patient_id}-F{row.frame}"
        (tmp_path / f"images/{image_id}.png").symlink_to(REAL / row.file)
        rows.append([image_id, "", f"images/{image_id}.png", row.patient_id, row.label_id, row.label, row.frame, "byra"])
    write_manifest(tmp_path, pd.DataFrame(rows, columns=MANIFEST))
    tables = scans.measure(tmp_path, ["healthy", "nafld"], "manifest")
    tables["images"]["hash_right"] = True
    one_fold = load_params(ROOT / "params.yaml").split.model_copy(update={"folds": [0]})
    verdict = judge("scans", "digest", tables, scans.suites(["healthy", "nafld"], "manifest", one_fold))
    pairs = next(item for item in verdict["expectations"] if "no two scans" in item["name"])
    assert verdict["pass"]
    assert [item["name"] for item in verdict["expectations"] if not item["pass"]] == [pairs["name"]]
    assert [(row["equal_within"], row["image_id"]) for row in pairs["failing_rows"]] == [
        ("P05-F4", "P05-F5"),
        ("P13-F4", "P13-F5"),
        ("P42-F1", "P42-F2"),
        ("P42-F3", "P42-F4"),
        ("P42-F5", "P42-F6"),
        ("P42-F7", "P42-F8"),
    ]
