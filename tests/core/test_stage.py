"""A stage's outputs appear whole or not at all; a user's mistake is one sentence; a record is left."""

import errno
import json
import shutil
from pathlib import Path

import pytest
from safetensors import SafetensorError

from synthtrace.digests import digest
from synthtrace.errors import InputError
from synthtrace.stage import stage

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    # the process that runs the tests must outlive its parent's whims
    monkeypatch.setattr("synthtrace.stage.die_with_parent", lambda: None)
    return tmp_path


def test_a_finished_output_takes_its_name_and_leaves_a_record(project: Path) -> None:
    with stage("demo") as run, run.output("data/thing") as folder:
        folder.mkdir()
        (folder / "a.txt").write_text("a")
        assert not Path("data/thing").exists()
    assert Path("data/thing/a.txt").read_text() == "a"
    record = json.loads(Path(f"records/demo/{digest(Path('data/thing'))}.json").read_text())
    assert record["output"] == "data/thing"
    assert record["packages"]["numpy"]


def test_a_failed_output_leaves_the_old_one_and_nothing_half_written(project: Path) -> None:
    Path("data").mkdir()
    Path("data/table.csv").write_text("old")
    with pytest.raises(SystemExit) as stopped, stage("demo") as run, run.output("data/table.csv") as path:
        path.write_text("half")
        raise InputError("data/x.png: broken")
    assert stopped.value.code == 1
    assert Path("data/table.csv").read_text() == "old"
    assert list(Path(".scratch/outs").iterdir()) == []


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "x"), SafetensorError("I/O error: No space left on device")])
def test_a_full_disk_is_one_sentence(project: Path, capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    with pytest.raises(SystemExit), stage("demo") as run, run.output("data/table.csv") as path:
        path.write_text("half")
        raise error
    assert capsys.readouterr().err == "demo: error: no space left on the device; nothing half-written was kept\n"
    assert not Path("data/table.csv").exists()


def test_bad_parameters_stop_a_stage_before_its_body(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("mixing_rate: 1.0", "mixing_rate: -1"))
    with pytest.raises(SystemExit), stage("demo"):
        pytest.fail("the body ran")
    assert "mixing_rate" in capsys.readouterr().err
