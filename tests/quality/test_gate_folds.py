import pandas as pd
import pytest
from quality_study import SPLIT, failed, found, set_cell

from synthtrace.quality.suites.folds import measure
from synthtrace.tables import read_folds, read_manifest


def on(fold, image_id):
    """Which row of folds.csv this is."""
    return lambda table: (table["fold"] == fold) & (table["image_id"] == image_id)


def assign(study, fold, image_ids, column, value):
    def change(table):
        for image_id in image_ids:
            table.loc[on(fold, image_id)(table), column] = value

    study.edit_folds(change)


def split_patient(study):
    assign(study, 0, ["test-healthy0-1"], "role", "train")


def bad_role(study):
    assign(study, 0, ["test-healthy0-1"], "role", "exam")


def undeclared_fold(study):
    study.edit_folds(lambda table: pd.concat([table, table[table["fold"] == 0].assign(fold=9)]))


def unknown_image(study):
    study.edit_folds(lambda table: pd.concat([table, pd.DataFrame([[0, "ghost", "ghost", "train"]], columns=table.columns)]))


def other_patient(study):
    assign(study, 0, ["test-healthy0-1"], "patient_id", "somebody")


def equal(column):
    """An image of patient 1 (train in fold 0) has the pixels of one of patient 0 (test)."""

    def change(manifest):
        manifest.loc[2, column] = manifest.loc[0, column]

    return lambda study: study.edit_manifest("crops", change)


def missing_fold(study):
    study.edit_folds(lambda table: table[table["fold"] == 0])


def missing_image(study):
    study.edit_folds(lambda table: table[~on(0, "test-healthy0-1")(table)])


def image_twice(study):
    study.edit_folds(lambda table: pd.concat([table, table[on(0, "test-healthy0-1")(table)]]))


def no_class_in_test(study):
    assign(study, 1, ["test-nafld1-0", "test-nafld1-1"], "role", "train")


def tested_twice(study):
    for fold in (0, 1):
        assign(study, fold, ["test-nafld0-0", "test-nafld0-1"], "role", "test")


def no_patient_ids(study):
    study.patient_ids = "none"


BROKEN = [
    (bad_role, "roles are train, val, test, unused", "error"),
    (undeclared_fold, "folds are those of split.folds", "error"),
    (unknown_image, "every image is in the crops' manifest", "error"),
    (other_patient, "patients are those of the crops' manifest", "error"),
    (split_patient, "no patient is on two sides of a fold", "error"),
    (equal("pixel_hash"), "no pixel-identical crop is on two sides of a fold", "error"),
    (equal("scan_pixel_hash"), "no pixel-identical scan is on two sides of a fold", "error"),
    (missing_fold, "every fold is there", "error"),
    (missing_image, "every image has one role a fold", "error"),
    (image_twice, "every image has one role a fold", "error"),
    (no_class_in_test, "every class has a patient in train and test", "error"),
    (tested_twice, "every image is tested once a round", "error"),
    (no_patient_ids, "the data set has patient ids", "warning"),
]
# whoever takes a test image's place away leaves it untested
UNTESTED = (bad_role, split_patient, missing_fold, missing_image, no_class_in_test)


def test_good_folds_pass(study):
    assert failed(study.judge("folds")) == []


@pytest.mark.parametrize(("break_it", "name", "severity"), BROKEN)
def test_folds_broken_in_one_place_fail_one_expectation(study, good_study, break_it, name, severity):
    break_it(study)
    verdict = study.judge_changed("folds", good_study)
    also = "every image is tested once a round"
    assert [other for other in failed(verdict) if other != also or other == name] == [name]
    assert (also in failed(verdict)) == (break_it in (*UNTESTED, image_twice, tested_twice))
    assert verdict["pass"] == (severity == "warning")


def test_every_expectation_of_folds_was_seen_to_fail(study):
    assert {item["name"] for item in study.judge("folds")["expectations"]} == {name for _, name, _ in BROKEN}


def test_a_patient_on_two_sides_is_named_with_both(study):
    split_patient(study)
    item = found(study.judge("folds"), "no patient is on two sides of a fold")
    assert item["failed_count"] == 2
    assert {row["patient_id"] for row in item["failing_rows"]} == {"healthy0"}
    assert {row["sides"] for row in item["failing_rows"]} == {"test, train"}


def test_equal_images_of_one_side_or_set_aside_are_no_leak(study):
    equal("pixel_hash")(study)
    for fold in (0, 1):
        assign(study, fold, ["test-healthy0-0", "test-healthy0-1"], "role", "unused")
    assert failed(study.judge("folds")) == ["every image is tested once a round"]


def test_without_patient_ids_a_group_on_two_sides_fails(study):
    no_patient_ids(study)
    study.edit_manifest("crops", lambda manifest: manifest.assign(group_id=None))
    study.edit_manifest("crops", lambda manifest: manifest.astype({"group_id": object}))
    for row in (0, 1):
        study.edit_manifest("crops", set_cell(row, "group_id", "slide"))
    assert failed(study.judge("folds")) == ["the data set has patient ids"]
    split_patient(study)
    assert failed(study.judge("folds")) == [
        "no group of images is on two sides of a fold",
        "every image is tested once a round",
        "the data set has patient ids",
    ]


def test_each_repeat_of_re_splits_tests_every_image(study):
    twice = SPLIT.model_copy(update={"folds": [0, 1, 2, 3], "repeats": 2})
    manifest, table = read_manifest(study.root / "crops"), read_folds(study.root / "folds/folds.csv")
    dealt_again = pd.concat([table, table.assign(fold=table["fold"] + 2)])
    tests = measure(manifest, dealt_again, twice, "manifest")["tests"]
    assert (tests["tests"] == 1).all()
    assert len(tests) == 2 * len(manifest)
    # as many tests as there should be, but both in the first repeat
    lost = dealt_again.copy()
    lost.loc[(lost["fold"] == 2) & (lost["role"] == "test"), "fold"] = 1
    tests = measure(manifest, lost, twice, "manifest")["tests"]
    assert set(tests.loc[tests["tests"] != 1, "round"]) == {0, 1}
