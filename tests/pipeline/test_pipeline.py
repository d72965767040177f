"""From scans to the report, by the commands that a user types."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from pipeline_clone import SMALL, Clone

from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.digests import digest
from synthtrace.tables import read_folds, read_ledger, read_manifest, read_selection, with_role

KINDS = ["semantic", "class"]
# of two folds and two kinds
STAGES = 49


@pytest.fixture
def mine(phantom: Clone, tmp_path: Path) -> Clone:
    """A copy of the finished study, to be changed at will."""
    return phantom.copied(tmp_path / "clone")


def test_the_summary_has_every_scenario_with_its_interval(phantom: Clone) -> None:
    summary = json.loads((phantom.folder / "metrics/summary.json").read_text())
    assert summary["mixing_rate"] == 1.0
    assert list(summary["scenarios"]) == ["real", "traditional", *KINDS]
    for name, scenario in summary["scenarios"].items():
        low, high = scenario["auc_image"]["ci95"]
        assert 0 <= low <= scenario["auc_image"]["mean"] <= high <= 1
        assert ("versus_real" in scenario) == (name != "real")


def test_no_generator_saw_a_patient_of_its_test_fold(phantom: Clone) -> None:
    folds = read_folds(phantom.folder / "data/folds/folds.csv")
    for kind in KINDS:
        for fold in (0, 1):
            held_out = set(folds.loc[(folds["fold"] == fold) & (folds["role"] == "test"), "patient_id"])
            seen = set(read_card(phantom.folder / f"data/generators/{kind}/fold{fold}")["patient_ids"])
            assert seen
            assert not seen & held_out


def test_ledgers_name_the_checkpoint_that_drew_them(phantom: Clone) -> None:
    for kind in KINDS:
        ledger = read_ledger(phantom.folder / f"data/pools/{kind}/fold1")
        assert set(ledger["checkpoint"]) == {checkpoint_digest(phantom.folder / f"data/generators/{kind}/fold1")}


def test_classifiers_drew_kept_images_of_their_own_fold_only(phantom: Clone) -> None:
    folds = read_folds(phantom.folder / "data/folds/folds.csv")
    manifest = read_manifest(phantom.folder / "data/crops")
    drawn = pd.read_parquet(phantom.folder / "data/classifiers/class/training.parquet")
    for fold in (0, 1):
        selection = read_selection(phantom.folder / f"data/selected/class/fold{fold}")
        allowed = set(selection.loc[selection["kept"], "image_id"])
        allowed |= set(with_role(manifest, folds, fold, "train")["image_id"])
        assert set(drawn.loc[drawn["fold"] == fold, "image_id"]) <= allowed


def test_records_are_keyed_by_the_digests_in_the_lock(phantom: Clone) -> None:
    lock = yaml.safe_load((phantom.folder / "dvc.lock").read_text())
    (out,) = lock["stages"]["train_generator@class-0"]["outs"]
    record = json.loads((phantom.folder / f"records/train_generator@class-0/{out['md5']}.json").read_text())
    assert record["wandb"]["mode"] == "offline"
    assert record["device"] == "cpu"
    assert out["md5"] == digest(phantom.folder / out["path"])


def test_the_report_is_one_file_that_fetches_nothing(phantom: Clone) -> None:
    page = (phantom.folder / "report/index.html").read_text()
    assert "semantic" in page
    assert not re.findall(r"(?:src|href)=[\"']https?://", page)


def test_a_second_run_has_nothing_to_do(mine: Clone) -> None:
    result = mine.run("synthtrace", "repro")
    assert re.search(rf"^{STAGES} unchanged in", result.stdout, re.MULTILINE), result.stdout


def test_plain_dvc_repro_gives_the_same_lock_and_metrics(phantom: Clone, tmp_path: Path) -> None:
    plain = Clone.fresh(tmp_path / "plain")
    plain.set(**SMALL)
    result = plain.run("dvc", "repro", "--quiet")
    assert result.returncode == 0, result.stderr[-3000:]
    assert plain.metrics() == phantom.metrics()
    locks = [yaml.safe_load((clone.folder / "dvc.lock").read_text()) for clone in (plain, phantom)]
    assert locks[0] == locks[1]


def test_too_high_a_rate_stops_before_training_and_says_what_is_needed(mine: Clone) -> None:
    before = digest(mine.folder / "data/predictions/class.parquet")
    mine.set(mixing_rate=8.0)
    result = mine.run("python", "stages/classify.py", "--scenario", "class")
    assert result.returncode == 1
    assert re.search(r"mixing_rate 8.0 needs 32 synthetic images of .* raise sample.images", result.stderr)
    assert "Traceback" not in result.stderr
    assert digest(mine.folder / "data/predictions/class.parquet") == before


def test_a_new_mixing_rate_reruns_the_mixing_classifiers_and_what_follows(mine: Clone) -> None:
    result = mine.run("dvc", "exp", "run", "-S", "mixing_rate=1.5")
    assert result.returncode == 0, result.stderr[-3000:]
    ran = set(re.findall(r"Running stage '([^']+)'", result.stdout))
    classifiers = {"classify_traditional", "classify@semantic", "classify@class"}
    assert ran == classifiers | {"check_predictions", "compare", "explain", "report"}
    assert json.loads((mine.folder / "metrics/summary.json").read_text())["mixing_rate"] == 1.5


@pytest.mark.parametrize("setting", ["mixing_rate=-1", "mixing_rate=much", "sample.step=3"])
def test_a_bad_parameter_stops_the_run_before_any_work(mine: Clone, setting: str) -> None:
    name, value = setting.split("=")
    mine.set(**({name: yaml.safe_load(value)} if "." not in name else {"sample": {"step": 3}}))
    result = mine.run("synthtrace", "repro")
    assert result.returncode == 1
    assert name in result.stderr
    assert "Traceback" not in result.stderr
    assert "ran" not in result.stdout


def test_real_scans_run_through_to_the_report(byra: Clone) -> None:
    summary = json.loads((byra.folder / "metrics/summary.json").read_text())
    assert summary["patients"] == 12
    assert summary["images"] == 24
    assert (byra.folder / "report/index.html").exists()


def test_identical_real_frames_are_a_warning_that_names_them(byra: Clone) -> None:
    """P42 F1 = F2 in the published set."""
    verdict = json.loads((byra.folder / "metrics/quality/scans.json").read_text())
    warnings = [one for one in verdict["expectations"] if one["severity"] == "warning" and not one["pass"]]
    assert verdict["pass"]
    assert any("P42" in json.dumps(one["failing_rows"]) for one in warnings)
