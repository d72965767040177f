"""What each stage's code is, what it was, and what its fingerprint covers."""

import json
from pathlib import Path

import pytest
from toy import found
from written import change_record, record, write


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write(tmp_path / "study")


def as_evidence(study: Path) -> Path:
    """The same run below results/ of its repository."""
    folder = study / "results/kept"
    folder.mkdir(parents=True)
    for name in ("dvc.yaml", "dvc.lock", "params.yaml", "code.json", "records"):
        (study / name).rename(folder / name)
    return folder


def test_a_comment_raises_no_alarm(study: Path) -> None:
    path = study / "src/synthtrace/sums.py"
    path.write_text(f"# later\n{path.read_text()}")
    assert found("code", study) == found("code", study, "warn") == []


def test_an_edit_is_told_once_for_all_that_ran_with_the_old_code(study: Path) -> None:
    (study / "src/synthtrace/sums.py").write_text("import numpy\nimport torch\nX = 1\n")
    (said,) = found("code", study)
    assert said.startswith("add: today's code gives the fingerprint ")
    assert said.endswith("stands in code.json, add@0, add@1")


def test_a_script_without_a_fingerprint_is_named(study: Path) -> None:
    (study / "stages/new.py").write_text("import json\n")
    (said,) = found("code", study)
    assert said.startswith("new: code.json has no fingerprint of it")


def test_a_helper_beside_the_script_is_found_in_the_source_alone(study: Path) -> None:
    (study / "stages/helper.py").write_text("X = 1\n")
    (study / "stages/add.py").write_text("def main():\n    from helper import X\n    return X\n")
    for stage in ("add@0", "add@1"):
        record(study, stage).unlink()
    assert [said for said in found("code", study) if said.startswith("stages/helper.py: loaded by add@0, add@1, but outside")]
    assert found("code", study, "warn") == ["no record lists the project's files that were loaded by add@0, add@1"]


def test_what_a_process_loaded_must_be_covered(study: Path) -> None:
    change_record(study, "add@1", sources=["stages/add.py", "tools/helper.py", "src/synthtrace/elsewhere.py"])
    said = found("code", study)
    assert [one.partition(":")[0] for one in said] == ["src/synthtrace/elsewhere.py", "tools/helper.py"]
    assert all("loaded by add@1, but outside" in one for one in said)


def test_names_without_a_file_and_environments_are_no_code(study: Path) -> None:
    (study / "env/lib").mkdir(parents=True)
    (study / "env/pyvenv.cfg").touch()
    loaded = ["stages/add.py", "_ops.py", "_classes.py", "src/synthtrace/engine/server.py", "env/lib/json.py"]
    change_record(study, "add@0", sources=loaded)
    assert found("code", study) == []
    (study / "_ops.py").write_text("X = 1\n")
    assert len(found("code", study)) == 1


def test_a_command_without_a_script_is_a_reservation(study: Path) -> None:
    text = (study / "dvc.yaml").read_text()
    (study / "dvc.yaml").write_text(text + "  copy:\n    cmd: cp a b\n    outs: [b]\n")
    assert found("code", study) == []
    assert found("code", study, "warn") == ["stage copy: runs `cp a b`, which is no script whose code has a fingerprint"]


def test_a_script_outside_stages_has_no_key(study: Path) -> None:
    text = (study / "dvc.yaml").read_text()
    (study / "dvc.yaml").write_text(text.replace("python stages/add.py", "python tools/add.py"))
    assert all("expected a script in stages/, which has a key" in said for said in found("code", study))
    assert len(found("code", study)) == 2


def test_evidence_is_warned_of_todays_code_and_fails_by_its_own(study: Path) -> None:
    kept = as_evidence(study)
    assert found("code", kept, evidence=True) == found("code", kept, "warn", evidence=True) == []
    (study / "src/synthtrace/sums.py").write_text("import numpy\n")
    assert found("code", kept, evidence=True) == []
    assert found("code", kept, "warn", evidence=True) == ["the code has changed since: 1 of 1 fingerprints, those of add"]
    (kept / "code.json").write_text(json.dumps({"add": "0" * 64}))
    (said,) = found("code", kept, evidence=True)
    assert said.startswith("add: code.json gives the fingerprint 000000000000, but ")
