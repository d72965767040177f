"""The lock says what dvc.yaml and params.yaml say, and each finding names what mends it."""

from pathlib import Path

from edits import edited_yaml
from toy import dvc, found


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_intact_study_raises_no_alarm(toy: Path) -> None:
    assert found("pipeline", toy) == found("pipeline", toy, "warn") == []


def test_a_removed_dep_which_dvc_does_not_see_is_named_and_the_remedy_mends_it(toy: Path) -> None:
    replace(toy / "dvc.yaml", ", ../outside.csv]", "]")
    assert dvc(toy, "status").strip().endswith("up to date.")
    (said,) = found("pipeline", toy)
    assert said.startswith("make: ran with dep ../outside.csv, which dvc.yaml no longer declares; DVC does not see this")
    assert said.endswith("`dvc repro --force --single-item make`")
    dvc(toy, "repro", "--force", "--single-item", "make")
    assert found("pipeline", toy) == []


def test_removed_and_added_parameters_are_named(toy: Path) -> None:
    replace(toy / "dvc.yaml", "params: [size]", "params: [folds]")
    added, removed = sorted(found("pipeline", toy))
    assert added == "make: dvc.yaml declares parameter folds of params.yaml, dvc.lock does not hold it; run `dvc repro`"
    assert removed.startswith("make: ran with parameter size of params.yaml, which dvc.yaml no longer declares")


def test_a_changed_value_is_shown_beside_the_old_one(toy: Path) -> None:
    replace(toy / "params.yaml", "1.0e-06", "2")
    assert found("pipeline", toy) == ["make: ran with size = 1e-06, params.yaml says 2; run `dvc repro`"]


def test_a_value_of_code_json_counts_as_it_lies(toy: Path) -> None:
    (toy / "code.json").write_text('{"part": "other"}')
    assert found("pipeline", toy) == [
        f"part@{fold}: ran with part = '1e3', code.json says 'other'; run `dvc repro`" for fold in (0, 1)
    ]


def test_a_changed_command_is_shown(toy: Path) -> None:
    replace(toy / "dvc.yaml", "cmd: python make.py", "cmd: python -B make.py")
    assert found("pipeline", toy) == ["make: ran `python make.py`, dvc.yaml asks for `python -B make.py`; run `dvc repro`"]


def test_a_stage_that_never_ran_is_named(toy: Path) -> None:
    replace(toy / "params.yaml", "[0, 1]", "[0, 1, 2]")
    assert any(said.startswith("part@2: dvc.yaml declares it") for said in found("pipeline", toy))


def test_a_retired_item_is_an_orphan_and_its_out_a_stray(toy: Path) -> None:
    replace(toy / "params.yaml", "[0, 1]", "[0]")
    said = found("pipeline", toy)
    assert any(one.startswith("part@1: dvc.lock holds it") and "remove its entry" in one for one in said)
    assert "data/parts/part1.csv: a file that no stage of dvc.yaml makes; remove it" in said
    with edited_yaml(toy / "dvc.lock") as lock:
        del lock["stages"]["part@1"]
    (toy / "data/parts/part1.csv").unlink()
    dvc(toy, "repro")
    assert found("pipeline", toy) == []


def test_strays_beside_and_inside_outs_are_named_by_their_topmost_folder(toy: Path) -> None:
    for name in ("data/parts/old/a.csv", "data/parts/old/b.csv", "data/made/images/z.png", "metrics/old.json"):
        (toy / name).parent.mkdir(exist_ok=True)
        (toy / name).write_text("left behind")
    (toy / "data/empty").mkdir()
    assert sorted(found("pipeline", toy)) == [
        "data/made: holds images/z.png, which make did not make; remove it",
        "data/parts/old: 2 files that no stage of dvc.yaml makes; remove it",
        "metrics/old.json: a file that no stage of dvc.yaml makes; remove it",
    ]


def test_raw_data_that_nobody_reads_is_a_warning(toy: Path) -> None:
    (toy / "data/raw/more").mkdir()
    (toy / "data/raw/more/scan.png").write_text("scan")
    assert found("pipeline", toy) == []
    (said,) = found("pipeline", toy, "warn")
    assert said.startswith("data/raw/more: a file that no stage reads")
