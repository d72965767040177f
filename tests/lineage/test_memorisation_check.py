"""What the check `memorisation` says, and of what; that it catches disguises is the campaign's to show."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from disguises import DISGUISES
from mutation import flip_byte, outcomes
from mutations.memorisation import slip
from pipeline_clone import Clone

from synthtrace.lineage.copies import Reference
from synthtrace.lineage.findings import Outcome
from synthtrace.lineage.memorised import Memorised
from synthtrace.selection.copies import References
from synthtrace.tables import read_ledger, read_selection, write_ledger, write_selection


@pytest.fixture
def clone(phantom: Clone, tmp_path: Path) -> Clone:
    return phantom.copied(tmp_path / "clone")


def audited(clone: Clone, **options: bool) -> Outcome:
    return outcomes(clone, ["memorisation"], **options)["memorisation"]


def said(outcome: Outcome, severity: str) -> list[str]:
    return [finding.message for finding in outcome.findings if finding.severity == severity]


def test_a_kept_copy_is_named_with_its_original_and_its_distances(clone: Clone) -> None:
    slipped = slip(clone, np.random.default_rng(3), DISGUISES["all of these"])
    first, *others = said(audited(clone), "fail")
    path = f"data/pools/{slipped.kind}/fold{slipped.fold}/images/{slipped.image_id}.png"
    assert first.startswith(f"{path} is kept and is a copy of the training image {slipped.training_id}: pixel distance 0.0")
    assert [other.split(":")[0].split("/")[-1] for other in others] == ["selection.parquet", "copies.json"]


def test_a_file_that_is_not_the_ledgers_is_judged_as_it_is_and_its_row_left_to_the_check_ledger(clone: Clone) -> None:
    ledgers = {path: path.read_bytes() for path in clone.folder.glob("data/pools/*/*/ledger.parquet")}
    slipped = slip(clone, np.random.default_rng(4), DISGUISES["mirrored"])
    for path, content in ledgers.items():
        path.write_bytes(content)
    (found,) = said(audited(clone), "fail")
    assert slipped.image_id in found
    assert slipped.training_id in found


def _nearer(table: pd.DataFrame) -> None:
    table.loc[3, "nearest_real_distance"] -= 0.01


def _other_original(table: pd.DataFrame) -> None:
    table.loc[3, "nearest_real_id"] = next(name for name in table["nearest_real_id"] if name != table.loc[3, "nearest_real_id"])


def _dropped(table: pd.DataFrame) -> None:
    table.loc[3, "kept"] = False


def _surer(table: pd.DataFrame) -> None:
    table.loc[3, "confidence"] = 1 - table.loc[3, "confidence"] / 2


def _more_real(table: pd.DataFrame) -> None:
    table.loc[3, "realism"] *= 1.01


def _unscored(table: pd.DataFrame) -> None:
    table.loc[3, "centroid_distance"] = np.nan


@pytest.mark.parametrize(
    ("edit", "column"),
    [
        (_nearer, "nearest_real_distance"),
        (_other_original, "nearest_real_id"),
        (_dropped, "kept False"),
        (_surer, "confidence"),
        (_more_real, "realism"),
        (_unscored, "centroid_distance"),
    ],
)
def test_a_selection_that_the_images_do_not_give_fails(clone: Clone, edit: Callable[[pd.DataFrame], None], column: str) -> None:
    folder = clone.folder / "data/selected/class/fold1"
    table = read_selection(folder)
    edit(table)
    write_selection(folder, table)
    (found,) = said(audited(clone), "fail")
    assert found.startswith(
        f"data/selected/class/fold1/selection.parquet: 1 of 24 rows are not what the images give (class-f1-00003); "
        f"class-f1-00003 has {column}"
    )


def test_an_edited_threshold_fails_and_only_warns_where_another_device_computed(clone: Clone) -> None:
    path = clone.folder / "data/scored/class/fold0/copies.json"
    report = json.loads(path.read_text())
    report["pixels"]["threshold"] += 0.01
    path.write_text(json.dumps(report))
    (found,) = said(audited(clone), "fail")
    assert found.startswith("data/scored/class/fold0/copies.json: pixels.threshold is ")
    for record in clone.folder.glob("records/score_candidates@*-0/*.json"):
        record.write_text(json.dumps(json.loads(record.read_text()) | {"device": "another"}))
    outcome = audited(clone)
    assert outcome.status == "warn"
    assert said(outcome, "warn") == [f"{found} (measured on cpu, scored on another)"]


def test_what_cannot_be_read_is_a_sentence_and_the_other_folds_are_judged(clone: Clone) -> None:
    flip_byte(clone.folder / "data/features/fold0/model.safetensors", 3)
    (clone.folder / "data/scored/semantic/fold1/copies.json").write_text("[]")
    outcome = audited(clone)
    extractor, report = said(outcome, "fail")
    assert "data/features/fold0: not a readable extractor" in extractor
    assert "copies.json: expected a JSON object" in report
    assert any(told.startswith("class: copies are 0 of 24 candidates") for told in said(outcome, "note"))


def test_an_image_that_cannot_be_read_or_is_not_there_is_a_warning(clone: Clone) -> None:
    pool = clone.folder / "data/pools/class/fold0"
    (pool / "images/class-f0-00002.png").unlink()
    (pool / "images/class-f0-00005.png").write_bytes(b"no image")
    outcome = audited(clone)
    assert outcome.status == "warn"
    (found,) = said(outcome, "warn")
    assert found.startswith("data/pools/class/fold0: class-f0-00002, class-f0-00005 could not be judged: ")


def test_embeddings_are_computed_anew_and_threads_put_back(clone: Clone) -> None:
    before = torch.get_num_threads()
    assert audited(clone).status == "pass"
    assert torch.get_num_threads() == before
    assert not (clone.folder / ".scratch").exists()


def test_fast_audits_leave_it_out(phantom: Clone) -> None:
    assert audited(phantom, fast=True).status == "skip"


def test_odd_tables_are_no_reason_to_crash(clone: Clone) -> None:
    pool, selected = clone.folder / "data/pools/class/fold0", clone.folder / "data/selected/class/fold0"
    ledger, selection = read_ledger(pool), read_selection(selected)
    write_ledger(pool, pd.concat([ledger, ledger[:2]]).assign(path=lambda rows: rows["path"].where(rows.index != 4)))
    write_selection(selected, selection[1:].assign(nearest_real_distance="far", kept=None))
    assert audited(clone).status == "fail"


def reference(copies: list[bool]) -> Reference:
    near = References(frames=np.array([0.01, 0.02]), altered=np.array([0.02]), others=np.array([0.2]), threshold=0.02)
    held_out = pd.DataFrame({"nearest_real_distance": 0.3, "embedding_distance": 0.4, "copy": copies})
    finder = SimpleNamespace(pixels=near, embedding=near)
    return Reference(finder, None, pd.DataFrame(), held_out, (1, 32, 32))  # type: ignore[arg-type]


@pytest.mark.parametrize(("called", "severity"), [(5, "note"), (6, "warn")])
def test_thresholds_that_take_many_held_out_images_for_copies_are_a_warning(called: int, severity: str) -> None:
    measured = Memorised()
    measured.add_fold(reference([True] * called + [False] * (50 - called)))
    measured.add_fold(reference([False] * 50))
    *_, last = measured.findings()
    assert last.severity == severity
    assert last.message.startswith(
        f"copies would be {called} of 100 images of held-out patients ({called}.0%, by fold 0.0% to "
    )
