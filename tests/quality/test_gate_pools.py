import shutil

import numpy as np
import pandas as pd
import pytest
from quality_study import CANDIDATES, FOLDS, IMAGE_SIZE, KINDS, failed, found, set_cell

from synthtrace.images import file_sha256, pixel_hash, read_image, write_image
from synthtrace.tables import read_ledger

SIZE = (IMAGE_SIZE, IMAGE_SIZE)


def file_of(study, index=0):
    return study.root / f"pools/semantic/fold0/images/semantic-f0-{index:05d}.png"


def repaint(study, pixels, index=0):
    """Other pixels for a candidate, with digests to match."""
    write_image(file_of(study, index), pixels)
    study.edit_ledger(set_cell(index, "pixel_hash", pixel_hash(pixels)))
    study.edit_ledger(set_cell(index, "file_sha256", file_sha256(file_of(study, index))))


def paint(pixels):
    return lambda study: repaint(study, pixels)


def ledger(column, value, pool="semantic/fold0"):
    return lambda study: study.edit_ledger(set_cell(0, column, value), pool)


def scores(column, value):
    return lambda study: study.edit_candidates(set_cell(0, column, value))


def truncated(study):
    file_of(study).write_bytes(file_of(study).read_bytes()[:90])
    study.edit_ledger(set_cell(0, "file_sha256", file_sha256(file_of(study))))


def image_id_twice(study):
    study.edit_ledger(set_cell(0, "image_id", "semantic-f1-00000"))
    study.edit_candidates(set_cell(0, "image_id", "semantic-f1-00000"))


def undeclared_label(study):
    pool = "class/fold0"
    study.edit_ledger(set_cell(0, "label", 5), pool)
    study.edit_candidates(set_cell(0, "label", 5), pool)


def other_label(study):
    study.edit_ledger(set_cell(0, "label", 1))
    study.edit_candidates(set_cell(0, "label", 1))


def unscored(study):
    study.edit_candidates(lambda table: table.drop(index=0))


def scored_from_nowhere(study):
    def change(table):
        return pd.concat([table, table.iloc[:1].assign(image_id="ghost")])

    study.edit_candidates(change)


DARK = np.zeros(SIZE, np.uint8)
DARK[0, 0] = 9

BROKEN = [
    (lambda study: shutil.rmtree(study.root / "pools/class/fold1"), "every kind and fold has a pool", "error"),
    (lambda study: shutil.rmtree(study.root / "scored/class/fold1"), "every pool is scored", "error"),
    (image_id_twice, "image ids are unique", "error"),
    (lambda study: file_of(study).unlink(), "candidates exist", "error"),
    (truncated, "candidates decode", "error"),
    (paint(np.arange(768, dtype=np.uint8).reshape(*SIZE, 3)), "candidates are 8-bit L", "error"),
    (paint(np.arange(240, dtype=np.uint8).reshape(15, 16)), "candidates are 16 x 16", "error"),
    (ledger("pixel_hash", "0" * 64), "pixel hashes are those of the files", "error"),
    (ledger("file_sha256", "0" * 64), "file digests are those of the files", "error"),
    (paint(np.full(SIZE, 99, np.uint8)), "99 % of the candidates are not constant", "error"),
    (paint(DARK), "99 % of the candidates have a mean brightness of 2 to 250", "warning"),
    (lambda study: repaint(study, read_image(file_of(study, 1))), "no two candidates of a kind are pixel-identical", "warning"),
    (undeclared_label, "labels are declared", "error"),
    (ledger("generator", "class"), "candidates stand in the pool of their kind and fold", "error"),
    (ledger("fold", 1), "candidates stand in the pool of their kind and fold", "error"),
    (ledger("condition_image_id", "test-nobody", "class/fold0"), "maps come from training images of the fold", "error"),
    (other_label, "candidates have the label of their map's image", "error"),
    (unscored, "every candidate is scored once", "error"),
    (lambda study: study.put("pools/class/fold0/images/stray.png", study.pixels(SIZE)), "every file is listed once", "error"),
    (scored_from_nowhere, "every scored candidate is in the ledger", "error"),
    (scores("label", 1), "candidates have the ledger's labels", "error"),
    (scores("nearest_real_id", "test-healthy0-0"), "nearest real images are training images of the fold", "error"),
    (scores("nearest_real_distance", np.nan), "distances are numbers", "error"),
]


def test_good_pools_pass(study):
    assert failed(study.judge("pools")) == []


@pytest.mark.parametrize(("break_it", "name", "severity"), BROKEN)
def test_pools_broken_in_one_place_fail_one_expectation(study, good_study, break_it, name, severity):
    break_it(study)
    verdict = study.judge_changed("pools", good_study)
    assert failed(verdict) == [name]
    assert verdict["pass"] == (severity == "warning")


def test_every_expectation_of_pools_was_seen_to_fail(study):
    assert {item["name"] for item in study.judge("pools")["expectations"]} == {name for _, name, _ in BROKEN}


def test_without_any_pool_each_one_is_named(study):
    shutil.rmtree(study.root / "pools")
    item = found(study.judge("pools"), "every kind and fold has a pool")
    assert item["failed_count"] == len(KINDS) * len(FOLDS)
    assert item["failing_rows"][0] == {"kind": "semantic", "fold": 0, "ledger": False}


def test_pools_of_dropped_folds_and_kinds_are_not_judged(study):
    shutil.copytree(study.root / "pools/class/fold0", study.root / "pools/class/fold7")
    shutil.copytree(study.root / "pools/class", study.root / "pools/gan")
    verdict = study.judge("pools")
    assert failed(verdict) == []
    assert found(verdict, "candidates exist")["checked"] == len(KINDS) * len(FOLDS) * CANDIDATES
    assert len(read_ledger(study.root / "pools/gan/fold0")) == CANDIDATES
