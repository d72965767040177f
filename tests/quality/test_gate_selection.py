import shutil

import pandas as pd
import pytest
from quality_study import FOLDS, failed, found, set_cell

from synthtrace.tables import read_manifest


def selection(column, value):
    return lambda study: study.edit_selection(set_cell(0, column, value))


def unselected(study):
    study.edit_selection(lambda table: table.drop(index=0))


def selected_twice(study):
    study.edit_selection(lambda table: pd.concat([table, table.iloc[:1]]))


def selected_from_nowhere(study):
    study.edit_selection(lambda table: pd.concat([table, table.iloc[:1].assign(image_id="ghost")]))


def copy_kept(study):
    study.edit_candidates(set_cell(0, "copy", True))
    study.edit_selection(set_cell(0, "copy", True))


def kept_real_image(study):
    study.edit_ledger(set_cell(0, "pixel_hash", read_manifest(study.root / "crops")["pixel_hash"][4]))


def class_dropped(study):
    study.edit_selection(lambda table: table.assign(kept=table["label"] == 1))


BROKEN = [
    (lambda study: shutil.rmtree(study.root / "selected/semantic/fold1"), "every pool has a selection", "error"),
    (unselected, "every candidate stands once in the selection", "error"),
    (selected_twice, "every candidate stands once in the selection", "error"),
    (selected_from_nowhere, "every row of a selection was scored", "error"),
    (lambda study: study.edit_candidates(set_cell(0, "copy", True)), "a copy is one by its scores", "error"),
    (copy_kept, "no copy is kept", "error"),
    (kept_real_image, "no kept image is pixel-identical to a real one", "error"),
    (class_dropped, "every class keeps images", "warning"),
]


def test_good_selections_pass(study):
    assert failed(study.judge("selection")) == []


@pytest.mark.parametrize(("break_it", "name", "severity"), BROKEN)
def test_selections_broken_in_one_place_fail_one_expectation(study, good_study, break_it, name, severity):
    break_it(study)
    verdict = study.judge_changed("selection", good_study)
    assert failed(verdict) == [name]
    assert verdict["pass"] == (severity == "warning")


def test_every_expectation_of_selections_was_seen_to_fail(study):
    assert {item["name"] for item in study.judge("selection")["expectations"]} == {name for _, name, _ in BROKEN}


def test_a_dropped_copy_of_a_real_image_does_no_harm(study):
    kept_real_image(study)
    study.edit_selection(set_cell(0, "kept", False))
    assert failed(study.judge("selection")) == []


def test_without_any_selection_each_one_is_named(study):
    shutil.rmtree(study.root / "selected")
    item = found(study.judge("selection"), "every pool has a selection")
    assert item["failed_count"] == len(FOLDS)
    assert item["failing_rows"][0] == {"kind": "semantic", "fold": 0, "selection": False}
