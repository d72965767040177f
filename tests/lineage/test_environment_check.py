"""What a recorded run owes to requirements.lock, and which differences matter."""

from pathlib import Path

import pytest
from toy import command, found
from written import FILES, ITEMS, change_record, record, write


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("importlib.metadata.distributions", list)  # this environment is no part of the test
    return write(tmp_path / "study")


def test_the_run_that_the_lock_asks_for_raises_no_alarm(study: Path) -> None:
    assert found("environment", study) == found("environment", study, "warn") == []


def test_a_package_computed_with_fails_once_for_all_stages(study: Path) -> None:
    for stage in ITEMS:
        change_record(study, stage, packages={"Torch": "2.8.0"})
    assert found("environment", study) == [
        "torch 2.8.0 in the records, 2.9.0 in requirements.lock: add@0, add@1 ran and compute with it"
    ]


def test_a_package_beside_is_a_reservation(study: Path) -> None:
    change_record(study, "add@0", packages={"typer": "0.15.0"})
    assert found("environment", study) == []
    assert len(found("environment", study, "warn")) == 1


def test_the_python_that_ran_decides_which_line_of_the_lock_applies(study: Path) -> None:
    for stage in ITEMS:
        change_record(study, stage, python="3.12.1", packages={"numpy": "2.1.0"})
    assert found("environment", study) == found("environment", study, "warn") == []


def test_a_build_of_the_locked_version_agrees_and_two_builds_are_a_reservation(study: Path) -> None:
    for stage in ITEMS:
        change_record(study, stage, packages={"Torch": "2.9.0+cu130"})
    assert found("environment", study) == found("environment", study, "warn") == []
    change_record(study, "add@1", packages={"Torch": "2.9.0+cpu"})
    assert found("environment", study) == []
    (said,) = found("environment", study, "warn")
    assert said == "torch: stages ran with several builds of one version (2.9.0+cu130: add@0; 2.9.0+cpu: add@1)"


def test_a_missing_record_is_a_reservation(study: Path) -> None:
    for stage in ITEMS:
        record(study, stage).unlink()
    assert found("environment", study) == []
    assert found("environment", study, "warn") == ["no record tells how these stages' outs were made: add@0, add@1"]


def test_device_and_determinism_of_what_computes_are_known(study: Path) -> None:
    change_record(study, "add@0", device=None, deterministic=None)
    assert found("environment", study, "warn") == []  # its process set no device up
    change_record(study, "add@0", sources=["src/synthtrace/compute.py"])
    assert found("environment", study, "warn") == [
        "the records do not tell `device` of add@0",
        "the records do not tell `deterministic` of add@0",
    ]


def test_items_on_several_devices_or_pythons_are_a_reservation(study: Path) -> None:
    change_record(study, "add@1", device="NVIDIA H200", python="3.11.9")
    said = found("environment", study, "warn")
    assert said == [
        "add: its items ran with different values of `device` (cpu: add@0; NVIDIA H200: add@1)",
        "add: its items ran with different values of `python` (3.11.7: add@0; 3.11.9: add@1)",
    ]


def test_evidence_owes_its_own_lock_not_todays(study: Path) -> None:
    kept = study / "results/kept"
    kept.mkdir(parents=True)
    for name in ("dvc.yaml", "dvc.lock", "params.yaml", "code.json", "records"):
        (study / name).rename(kept / name)
    later = FILES["requirements.lock"].replace("torch==2.9.0", "torch==2.10.0")
    (study / "requirements.lock").write_text(later)
    assert found("environment", kept, evidence=True) == []
    assert "the requirements.lock that dvc.lock names is not in Git's history" in found("environment", kept, "warn", True)[-1]

    command(study, "git", "init", "--quiet")
    for text in (FILES["requirements.lock"], later):
        (study / "requirements.lock").write_text(text)
        command(study, "git", "add", "requirements.lock")
        command(study, "git", "commit", "--quiet", "--message", "lock")
    assert found("environment", kept, evidence=True) == []
    said = found("environment", kept, "warn", evidence=True)
    assert said == ["1 packages are locked in other versions today (in brackets): torch 2.9.0 (2.10.0)"]
    change_record(kept, "add@0", packages={"numpy": "1.26.0"})
    (said,) = found("environment", kept, evidence=True)
    assert said.startswith("numpy 1.26.0 in the records, 2.0.0 in requirements.lock of commit ")
