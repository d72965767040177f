import numpy as np
import pandas as pd
import pytest
from PIL import Image
from quality_study import LABELS, SCAN_SIZE, SPLIT, failed, found, set_cell

from synthtrace.images import read_image
from synthtrace.params import Split
from synthtrace.quality.gate import judge
from synthtrace.quality.suites import scans
from synthtrace.tables import read_manifest


def rename(study, row, image_id):
    def change(manifest):
        manifest.loc[row, "image_id"] = image_id

    study.edit_manifest("scans", change)


def scan_file(study, row):
    return study.root / "scans" / read_manifest(study.root / "scans")["path"][row]


def missing(study):
    scan_file(study, 0).unlink()


def truncated(study):
    file = scan_file(study, 0)
    file.write_bytes(file.read_bytes()[:300])


def without_bytes(study):
    scan_file(study, 0).write_bytes(b"")


def sixteen_bit(study):
    Image.fromarray(np.arange(720, dtype=np.uint16).reshape(SCAN_SIZE)).save(scan_file(study, 0))


def tiny(study):
    study.repaint("scans", 0, study.pixels((12, 30)))


def constant(study):
    study.repaint("scans", 0, np.full(SCAN_SIZE, 99, np.uint8))


def dark(study):
    pixels = np.zeros(SCAN_SIZE, np.uint8)
    pixels[0, 0] = 9
    study.repaint("scans", 0, pixels)


def wrong_hash(study):
    study.edit_manifest("scans", set_cell(0, "pixel_hash", "0" * 64))


def undeclared_label(study):
    # a patient of its own, so that only the label is wrong
    def change(manifest):
        manifest.loc[[0, 1], "label"] = 7

    study.edit_manifest("scans", change)


def misnamed_label(study):
    study.edit_manifest("scans", set_cell(0, "label_name", "nafld"))


def same_image_within(study):
    study.repaint("scans", 1, read_image(scan_file(study, 0)))


def same_image_across(study):
    study.repaint("scans", 2, read_image(scan_file(study, 0)))


def no_patient(study):
    study.edit_manifest("scans", set_cell(0, "patient_id", None))


def stray_file(study):
    study.put("scans/images/stray.png", study.pixels(SCAN_SIZE))


def two_labels(study):
    def change(manifest):
        manifest.loc[0, ["label", "label_name"]] = [1, "nafld"]

    study.edit_manifest("scans", change)


def one_patient_of_a_class(study):
    def change(manifest):
        manifest.loc[manifest["label"] == 0, "patient_id"] = "healthy0"

    study.edit_manifest("scans", change)


def no_patient_ids(study):
    study.patient_ids = "none"


BROKEN = [
    (lambda study: rename(study, 1, "test-healthy0-0"), "image ids are unique", "error"),
    (lambda study: rename(study, 1, "a/b"), "image ids are safe file names", "error"),
    (missing, "scans exist", "error"),
    (truncated, "scans decode", "error"),
    (without_bytes, "scans decode", "error"),
    (sixteen_bit, "scans are 8-bit L or RGB", "error"),
    (tiny, "scans have 16 pixels a side", "error"),
    (constant, "scans are not constant", "error"),
    (dark, "scans have a mean brightness of 2 to 250", "warning"),
    (wrong_hash, "pixel hashes are those of the files", "error"),
    (undeclared_label, "labels are declared", "error"),
    (misnamed_label, "label names are those of dataset.labels", "error"),
    (same_image_within, "no two scans of a patient are pixel-identical", "warning"),
    (same_image_across, "pixel-identical scans belong to one patient", "error"),
    (no_patient, "patients are named", "error"),
    (stray_file, "every file is listed once", "error"),
    (two_labels, "every patient has one label", "error"),
    (one_patient_of_a_class, "every class has 2 patients, one a fold", "error"),
    (no_patient_ids, "the data set has patient ids", "warning"),
]


def test_good_scans_pass(study):
    verdict = study.judge("scans")
    assert verdict["pass"]
    assert failed(verdict) == []


@pytest.mark.parametrize(("break_it", "name", "severity"), BROKEN)
def test_scans_broken_in_one_place_fail_one_expectation(study, good_study, break_it, name, severity):
    break_it(study)
    verdict = study.judge_changed("scans", good_study)
    assert failed(verdict) == [name]
    assert verdict["pass"] == (severity == "warning")
    assert found(verdict, name)["severity"] == severity


def test_every_expectation_of_scans_was_seen_to_fail(study):
    assert {item["name"] for item in study.judge("scans")["expectations"]} == {name for _, name, _ in BROKEN}


def test_a_pair_of_equal_scans_is_named_once(study):
    same_image_within(study)
    item = found(study.judge("scans"), "no two scans of a patient are pixel-identical")
    assert item["failed_count"] == 1
    assert item["failing_rows"][0]["image_id"] == "test-healthy0-1"
    assert item["failing_rows"][0]["equal_within"] == "test-healthy0-0"


def test_without_patient_ids_groups_are_judged(study):
    study.patient_ids = "none"

    def change(manifest):
        manifest["group_id"] = pd.Series(["slide"] * 2 + [None] * (len(manifest) - 2), dtype="string")
        manifest.loc[0, ["label", "label_name"]] = [1, "nafld"]

    study.edit_manifest("scans", change)
    verdict = study.judge("scans")
    assert verdict["pass"]
    assert failed(verdict) == ["every group of images has one label", "the data set has patient ids"]
    assert found(verdict, "every group of images has one label")["failing_rows"] == [
        {"patient": "slide", "found": "0 (1 row), 1 (1 row)", "labels": 2}
    ]


def test_subsets_need_a_patient_of_each_class_to_test_and_one_a_subset(study):
    split = Split.model_validate(SPLIT.model_dump() | {"protocol": "subsets", "folds": [0, 1, 2], "subset_share": 0.3})
    tables = scans.measure(study.root / "scans", LABELS, "manifest")
    item = found(
        judge("scans", "digest", tables, scans.suites(LABELS, "manifest", split)),
        "every class has 4 patients, one a subset and one to test",
    )
    assert [row["patients"] for row in item["failing_rows"]] == [3, 3]
    enough = split.model_copy(update={"folds": [0, 1]})
    assert failed(judge("scans", "digest", tables, scans.suites(LABELS, "manifest", enough))) == []
