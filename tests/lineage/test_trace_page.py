"""report/lineage.html holds what it needs, weighs little, and says what it leaves out."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pipeline_clone import Clone

from synthtrace.errors import InputError
from synthtrace.lineage.page import pools
from synthtrace.lineage.page.page import gather, render, write_page
from synthtrace.lineage.study import Study
from synthtrace.lineage.trace.target import numbers
from synthtrace.lineage.trace.trace import trace


@pytest.fixture(scope="module")
def content(phantom: Clone) -> dict[str, Any]:
    return gather(Study(phantom.folder))


def embedded(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found[1])


def test_the_command_writes_one_page_that_needs_no_other(phantom: Clone, tmp_path: Path) -> None:
    clone = phantom.copied(tmp_path / "clone")
    shutil.rmtree(clone.folder / "report")
    told = clone.run("synthtrace", "trace", "--page")
    assert told.returncode == 0, told.stderr
    assert re.fullmatch(r"report/lineage\.html: (\d+) of \1 kept images, 0\.\d MB\n", told.stdout)
    text = (clone.folder / "report/lineage.html").read_text(encoding="utf-8")
    assert [path.name for path in (clone.folder / "report").iterdir()] == ["lineage.html"]
    outside = {link for link in re.findall(r'(?:src|href)="([^"]*)"', text) if not link.startswith(("data:", "#"))}
    assert outside == {"index.html"}
    assert not re.search(r"https?://|fetch\(|import\(|XMLHttpRequest|url\(", text)


def test_it_holds_every_number_and_each_kept_image_with_its_row(phantom: Clone, content: dict[str, Any]) -> None:
    study = Study(phantom.folder)
    assert content["numbers"]["scenarios.real.auc_image.mean"] == pytest.approx(0.5, abs=0.5)
    assert set(content["stages"]) == set(study.lock)
    assert content["notes"] == []
    for pool in content["pools"]:
        ledger, selection = study.ledger(pool["kind"], pool["fold"]), study.selection(pool["kind"], pool["fold"])
        kept = set(selection.loc[selection["kept"], "image_id"])
        rows = [dict(zip(pool["columns"], row, strict=True)) for row in pool["rows"]]
        assert {row["image_id"] for row in rows} == kept
        seeds = dict(zip(ledger["image_id"], ledger["seed"].astype(str), strict=True))
        assert {row["image_id"]: row["seed"] for row in rows} == {name: seeds[name] for name in kept}
        assert all(row["picture"].startswith("data:image/png;base64,") for row in rows)
        assert list(pool["checkpoints"].values()) == [f"data/generators/{pool['kind']}/fold{pool['fold']}"]
    assert set(content["real"]) == set(study.manifest["image_id"])


def test_every_further_number_stands_under_what_it_tells_of(phantom: Clone, content: dict[str, Any]) -> None:
    study = Study(phantom.folder)
    files = {file["path"]: file["things"] for file in content["figures"]}
    assert list(files) == ["metrics/curve.json", "metrics/fidelity.json", "metrics/explain.json"]
    for path, things in files.items():
        assert {key: value for thing in things for key, value in thing["numbers"].items()} == numbers(study, path)
    name = "test_resnet none, scenario class, selection none, mode augment, mixing rate 0.5"
    (point,) = [one for one in files["metrics/curve.json"] if one["name"] == name]
    assert point["outs"] == ["data/curve/class", "data/curve/real"]


def test_it_says_which_folds_trained_on_a_patient_and_which_scored_it(content: dict[str, Any]) -> None:
    for patient, scored in content["study"]["tested"].items():
        for scenario in content["predictions"].values():
            assert set(scenario["drew"].get(patient, [])) <= {0, 1} - set(scored)
    assert len(content["predictions"]["traditional"]["drew"]) > 4


def test_it_agrees_with_what_trace_tells_of_an_image(phantom: Clone, content: dict[str, Any]) -> None:
    image = trace(Study(phantom.folder), "class-f1-00003")["image"]
    pool = next(pool for pool in content["pools"] if (pool["kind"], pool["fold"]) == ("class", 1))
    row = next(
        row
        for row in (dict(zip(pool["columns"], row, strict=True)) for row in pool["rows"])
        if row["image_id"] == image["image_id"]
    )
    for column in ("seed", "label", "batch", "checkpoint", "pixel_hash", "condition_image_id"):
        assert row[column] == image[column]
    assert row["nearest_real_id"] == image["selection"]["nearest_real_id"]
    trainings = next(one["trainings"] for one in image["drawn_by"])
    assert (row["drawn"] is None) == (trainings == [])


def test_pictures_stop_at_the_budget_and_spread_through_the_pool(phantom: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "SYNTHETIC_BUDGET", 40_000)
    monkeypatch.setattr(pools, "REAL_BUDGET", 4_000)
    content = gather(Study(phantom.folder))
    weight = sum(len(row[pool["columns"].index("picture")]) for pool in content["pools"] for row in pool["rows"])
    assert 20_000 < weight < 48_000
    for pool in content["pools"]:
        assert 2 < len(pool["rows"]) < pool["counts"]["kept"]
        batches = {row[pool["columns"].index("batch")] for row in pool["rows"]}
        assert batches == {0, 1}
    pictures = [image["picture"] for image in content["real"].values() if image["picture"]]
    assert 0 < len(pictures) < len(content["real"])
    assert sum(map(len, pictures)) <= 4_000


def test_no_text_of_a_study_ends_the_data(content: dict[str, Any]) -> None:
    hostile = "</script><script>alert(1)</script>"
    text = render({**content, "notes": [hostile]})
    assert embedded(text)["notes"] == [hostile]
    assert text.count("<script") == 2


def test_without_records_it_is_written_and_says_so(phantom: Clone, tmp_path: Path) -> None:
    clone = phantom.copied(tmp_path / "clone")
    shutil.rmtree(clone.folder / "records")
    write_page(Study(clone.folder))
    notes = embedded((clone.folder / "report/lineage.html").read_text(encoding="utf-8"))["notes"]
    assert [note for note in notes if "no record of their run" in note]


def test_without_data_no_page_is_written_and_one_sentence_says_why(phantom: Clone, tmp_path: Path) -> None:
    clone = phantom.copied(tmp_path / "clone")
    shutil.rmtree(clone.folder / "data/pools")
    (clone.folder / "report/lineage.html").unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"data/pools/semantic/fold0/ledger\.parquet: no such table"):
        write_page(Study(clone.folder))
    assert not list((clone.folder / "report").glob("lineage*"))
    with pytest.raises(InputError, match="evidence"):
        write_page(Study(clone.folder, evidence=True))
