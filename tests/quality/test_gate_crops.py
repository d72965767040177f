import numpy as np
import pytest
from PIL import Image
from quality_study import CROP_SIZE, IMAGE_SIZE, MAP_CLASSES, failed, found, set_cell

from synthtrace.errors import InputError
from synthtrace.images import write_image
from synthtrace.tables import read_manifest

FIXED = (IMAGE_SIZE, IMAGE_SIZE)
NATIVE = (CROP_SIZE, CROP_SIZE)


def file_of(study, column):
    return study.root / "crops" / read_manifest(study.root / "crops")[column][0]


def remove(column):
    return lambda study: file_of(study, column).unlink()


def truncate(column):
    return lambda study: file_of(study, column).write_bytes(file_of(study, column).read_bytes()[:90])


def draw(column, size, highest=255, channels=()):
    """Other pixels of a size for a file without a hash of its own."""

    def change(study):
        write_image(file_of(study, column), np.random.default_rng(1).integers(0, highest, (*size, *channels), dtype=np.uint8))

    return change


def fill(column, size):
    return lambda study: write_image(file_of(study, column), np.full(size, 3, np.uint8))


def repaint(pixels):
    return lambda study: study.repaint("crops", 0, pixels)


def cell(column, value):
    return lambda study: study.edit_manifest("crops", set_cell(0, column, value))


def in_scans(change):
    return lambda study: study.edit_manifest("scans", change)


def repeat_a_row(study):
    # the same files under another name of another scan: ids of crops are no longer unique
    study.edit_manifest("crops", set_cell(1, "image_id", "test-healthy0-0"))


DARK = np.zeros(FIXED, np.uint8)
DARK[0, 0] = 9

BROKEN = [
    (remove("path"), "fixed crops exist", "error"),
    (truncate("path"), "fixed crops decode", "error"),
    (repaint(np.arange(3 * IMAGE_SIZE**2, dtype=np.uint8).reshape(*FIXED, 3)), "fixed crops are 8-bit L", "error"),
    (repaint(np.arange(240, dtype=np.uint8).reshape(15, 16)), "fixed crops are 16 x 16", "error"),
    (cell("pixel_hash", "0" * 64), "pixel hashes are those of the fixed crops", "error"),
    (repaint(np.full(FIXED, 99, np.uint8)), "fixed crops are not constant", "error"),
    (repaint(DARK), "fixed crops have a mean brightness of 2 to 250", "warning"),
    (in_scans(lambda scans: scans.drop(index=0)), "every crop has a scan", "error"),
    (cell("patient_id", "nobody"), "crops have their scan's patient", "error"),
    (cell("label", 1), "crops have their scan's label", "error"),
    (cell("label_name", "nafld"), "crops have their scan's label name", "error"),
    (cell("scan_pixel_hash", "0" * 64), "scan_pixel_hash is the scan's pixel hash", "error"),
    (remove("native_path"), "native crops exist", "error"),
    (truncate("native_path"), "native crops decode", "error"),
    (draw("native_path", NATIVE, channels=(3,)), "native crops are 8-bit L", "error"),
    (draw("native_path", FIXED), "native crops are 20 x 20", "error"),
    (fill("native_path", NATIVE), "native crops are not constant", "error"),
    (remove("map_path"), "maps exist", "error"),
    (truncate("map_path"), "maps decode", "error"),
    (draw("map_path", NATIVE, highest=MAP_CLASSES, channels=(3,)), "maps are 8-bit L", "error"),
    (draw("map_path", FIXED, highest=MAP_CLASSES), "maps are 20 x 20", "error"),
    (draw("map_path", NATIVE, highest=MAP_CLASSES + 2), "maps hold classes 0 to 4", "error"),
    (fill("map_path", NATIVE), "maps are not constant", "warning"),
    (lambda study: study.put("crops/native/stray.png", study.pixels(NATIVE)), "every file is listed once", "error"),
    (in_scans(lambda scans: extra_scan(scans)), "every scan has one crop", "error"),
]


def extra_scan(scans):
    scans.loc[len(scans)] = scans.loc[0]
    scans.loc[len(scans) - 1, "image_id"] = "test-extra"


def test_good_crops_pass(study):
    assert failed(study.judge("crops")) == []


@pytest.mark.parametrize(("break_it", "name", "severity"), BROKEN)
def test_crops_broken_in_one_place_fail_one_expectation(study, good_study, break_it, name, severity):
    break_it(study)
    verdict = study.judge_changed("crops", good_study)
    assert failed(verdict) == [name]
    assert verdict["pass"] == (severity == "warning")
    assert found(verdict, name)["severity"] == severity


def test_two_crops_of_one_scan_are_named(study):
    repeat_a_row(study)
    verdict = study.judge("crops")
    assert not verdict["pass"]
    assert found(verdict, "image ids are unique")["failed_count"] == 2
    assert {row["image_id"] for row in found(verdict, "every scan has one crop")["failing_rows"]} == {
        "test-healthy0-0",
        "test-healthy0-1",
    }


def test_every_expectation_of_crops_was_seen_to_fail(study):
    names = {item["name"] for item in study.judge("crops")["expectations"]}
    assert names == {name for _, name, _ in BROKEN} | {"image ids are unique"}


def test_sixteen_bit_crops_are_not_decoded_but_reported(study):
    Image.fromarray(np.zeros(FIXED, np.uint16)).save(file_of(study, "path"))
    assert failed(study.judge("crops")) == ["fixed crops are 8-bit L"]


def test_a_manifest_without_a_crops_column_is_an_input_error(study):
    study.edit_manifest("crops", lambda manifest: manifest.drop(columns="map_path"))
    with pytest.raises(InputError, match=r"manifest\.csv: missing column 'map_path'"):
        study.judge("crops")
