"""Items of a matrix read as one, and counts as words."""

import pytest

from synthtrace.lineage.trace.words import counts_words, items_words, short_commit, span, together, value_words

FOLDS = {
    "0": {"test": {"patients": 8, "images": 32}, "train": {"patients": 32, "images": 128}},
    "1": {"test": {"patients": 9, "images": 36}, "train": {"patients": 31, "images": 124}},
}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["split"], "split"),
        (["sample@semantic-0"], "sample@semantic-0"),
        (["select@semantic-0", "select@semantic-1"], "select@semantic-{0,1}"),
        ([f"features@{fold}" for fold in range(5)], "features@0..4"),
        ([f"sample@{kind}-{fold}" for kind in ("semantic", "class") for fold in range(5)], "sample@{semantic,class}-0..4"),
        (["sample@semantic-0", "sample@semantic-1", "sample@class-0"], "sample@{semantic-{0,1},class-0}"),
        (["check_pools@semantic", "check_pools@class"], "check_pools@{semantic,class}"),
        ([f"part@{fold}" for fold in (0, 2, 4)], "part@{0,2,4}"),
    ],
)
def test_items_of_a_matrix_are_named_together(names: list[str], expected: str) -> None:
    assert items_words(names) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["python a.py --fold 0", "python a.py --fold 1"], "python a.py --fold {0,1}"),
        ([f"data/pools/semantic/fold{fold}" for fold in range(5)], "data/pools/semantic/fold{0..4}"),
        (["one", "two and three"], "{one,two and three}"),
    ],
)
def test_texts_that_differ_in_parts_are_one(texts: list[str], expected: str) -> None:
    assert together(texts) == expected


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([{"patients": 1, "images": 4}], "1 patient, 4 images"),
        ([{"candidates": 24, "copies": 1, "kept": 23}], "24 candidates, 1 copy, 23 kept"),
        ([{"images": 24, "labels": {"healthy": 12, "nafld": 12}}] * 2, "24 images, 12 healthy, 12 nafld each"),
        ([{"images": 20}, {"images": 1200}], "20 to 1,200 images each"),
        ([{"pass": True}, {"pass": True}], "passed"),
        ([{"pass": True}, {"pass": False}], "failed"),
        ([{"checkpoint": "ab"}], ""),
        ([{}], ""),
        (
            [{"patients": 40, "folds": FOLDS}],
            "40 patients, 2 folds of train 31 to 32 patients, 124 to 128 images; test 8 to 9 patients, 32 to 36 images",
        ),
    ],
)
def test_counts_read_as_words(counts: list[dict], expected: str) -> None:
    assert counts_words(counts) == expected


def test_values_and_commits_read_as_people_write_them() -> None:
    assert value_words({"a": None, "b": [1, 2.0, True]}) == "{a: null, b: [1, 2, true]}"
    assert value_words(1e-6) == "1e-06"
    assert short_commit("9e229b141d42e272e45b0dcb9994938401811ff8-dirty") == "9e229b14-dirty"
    assert span([0.04, 0.2], 1) == "0.0 to 0.2"
