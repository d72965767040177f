"""Gates of masks and pairs: good ones pass, and each fault closes them by its own expectation."""

import shutil

import numpy as np
import pytest
from lesion_study import LEGAL, POOL, SIDE, LesionStudy, failed
from PIL import Image

from synthtrace.errors import InputError
from synthtrace.images import file_sha256, pixel_hash, read_image, write_image
from synthtrace.pair_tables import read_pair_ledger
from synthtrace.tables import LEDGER

SCAN_SIDE = (96, 120)
LIMITS = "lesions cover 0.0500% to 80.0000% of the image"
TIGHT = LEGAL.model_copy(update={"empty": False})


@pytest.fixture(scope="session")
def good_lesions(tmp_path_factory):
    return LesionStudy(tmp_path_factory.mktemp("lesions")).made()


@pytest.fixture
def study(good_lesions, tmp_path):
    return LesionStudy(shutil.copytree(good_lesions.root, tmp_path / "study"))


def size(part):
    return SCAN_SIDE if part == "scans" else (SIDE, SIDE)


def lesion_row(study, part):
    """The first row whose mask has a lesion."""
    return next(row for row in range(8) if read_image(study.file(part, row)).any())


def missing(study, part):
    study.file(part, lesion_row(study, part)).unlink()


def truncated(study, part):
    row = lesion_row(study, part)
    file = study.file(part, row)
    file.write_bytes(file.read_bytes()[:60])
    if part == "pools":
        study.edit(part, row, "mask_sha256", file_sha256(file))


def coloured(study, part):
    row = lesion_row(study, part)
    colour = np.stack([read_image(study.file(part, row))] * 3, axis=2)
    Image.fromarray(colour).save(study.file(part, row))
    study.edit(part, row, "mask_hash", pixel_hash(colour))
    if part == "pools":
        study.edit(part, row, "mask_sha256", file_sha256(study.file(part, row)))


def another_size(study, part):
    row = lesion_row(study, part)
    mask = np.asarray(Image.fromarray(read_image(study.file(part, row))).resize((60, 48), Image.Resampling.NEAREST))
    study.repaint(part, row, mask)


def three_values(study, part):
    row = lesion_row(study, part)
    mask = read_image(study.file(part, row)).copy()
    mask[mask > 0] = 128
    study.repaint(part, row, mask)


def repainted(study, part):
    row = lesion_row(study, part)
    study.repaint(part, row, np.ascontiguousarray(read_image(study.file(part, row))[:, ::-1]), honest=False)
    if part == "pools":
        study.edit(part, row, "mask_sha256", file_sha256(study.file(part, row)))


def dot(study, part):
    mask = np.zeros(size(part), np.uint8)
    mask[0, :2] = 255
    study.repaint(part, lesion_row(study, part), mask)


def everywhere(study, part):
    study.repaint(part, lesion_row(study, part), np.full(size(part), 255, np.uint8))


def stray(study, part):
    folder = study.root / (POOL if part == "pools" else part)
    write_image(folder / "masks/stray.png", np.zeros(size(part), np.uint8))


def wrong_area(study, part):
    study.edit(part, 0, "mask_area", 0.77)


def scan_gone(study, part):
    study.edit("scans", 0, "image_id", "another")


def scan_changed(study, part):
    study.edit("scans", lesion_row(study, "scans"), "mask_hash", "0" * 64)


def lost(study, part):
    row = lesion_row(study, part)
    study.repaint(part, row, np.zeros(size(part), np.uint8))


def other_area(study, part):
    row = lesion_row(study, part)
    mask = read_image(study.file(part, row)).copy()
    mask[:16] = 255
    study.repaint(part, row, mask)


def wrong_digest(study, part):
    study.edit(part, 0, "mask_sha256", "0" * 64)


def condition_from_the_test_images(study, part):
    test = study.file("pairs", 0).stem
    study.edit(part, 0, "condition_image_id", test)


def mask_of_another_row(study, part):
    study.edit(part, 0, "mask_path", study.file(part, 1).relative_to(study.root / POOL).as_posix())


EVERYWHERE = [
    (missing, "masks exist"),
    (truncated, "masks decode"),
    (coloured, "masks are 8-bit L"),
    (another_size, "masks have their image's size"),
    (three_values, "masks hold 0 and 255 only"),
    (repainted, "mask hashes are those of the files"),
    (everywhere, LIMITS),
]
SQUASHED = f"masks are {SIDE} x {SIDE}"
MANIFEST = [(wrong_area, "mask areas are those of the files")]
ONE_FAULT = [
    *(("scans", *fault) for fault in [*EVERYWHERE, *MANIFEST, (dot, LIMITS), (stray, "every mask is listed once")]),
    *(("pairs", *fault) for fault in [*EVERYWHERE, *MANIFEST, (another_size, SQUASHED)]),
    ("pairs", stray, "every file is listed once"),
    ("pairs", scan_gone, "every image has a scan"),
    ("pairs", scan_gone, "every scan has one pair"),
    ("pairs", scan_changed, "scan_mask_hash is the scan's mask hash"),
    ("pairs", lost, "no lesion is lost"),
    ("pairs", other_area, "masks keep their scan's area within 5% of the image"),
    *(("pools", *fault) for fault in [*EVERYWHERE, (another_size, SQUASHED), (stray, "every mask is listed once")]),
    ("pools", wrong_digest, "mask digests are those of the files"),
    ("pools", condition_from_the_test_images, "maps come from training images of the fold"),
    ("pools", mask_of_another_row, "every mask is listed once"),
]
# these faults are several at once: the mask of another size is not square, the painted ones have another area than the scan's
ALSO = {
    "another_size": {SQUASHED, "masks have their image's size"},
    "everywhere": {"masks keep their scan's area within 5% of the image"},
    "lost": {"masks keep their scan's area within 5% of the image"},
    "scan_gone": {"every image has a scan", "every scan has one pair"},
    "mask_of_another_row": {"mask hashes are those of the files", "mask digests are those of the files"},
    "missing": {"every file is listed once"},
}


@pytest.mark.parametrize("part", ["scans", "pairs", "pools"])
def test_good_masks_pass(good_lesions, part):
    verdict = good_lesions.judge(part)
    assert failed(verdict) == []
    assert verdict["pass"]


@pytest.mark.parametrize(("part", "fault", "name"), ONE_FAULT, ids=[f"{p}-{f.__name__}-{n[:24]}" for p, f, n in ONE_FAULT])
def test_each_fault_closes_the_gate_by_its_own_expectation(study, good_lesions, part, fault, name):
    fault(study, part)
    verdict = study.judge_changed(part, good_lesions)
    assert name in failed(verdict)
    assert not verdict["pass"]
    assert set(failed(verdict)) - {name} <= ALSO.get(fault.__name__, set())


@pytest.mark.parametrize("part", ["scans", "pairs", "pools"])
def test_an_empty_mask_is_legal_only_where_the_data_set_says_so(good_lesions, part):
    verdict = good_lesions.judge(part, TIGHT, only="masks")
    assert failed(verdict) == ["masks are not empty"]
    assert not verdict["pass"]


def test_areas_out_of_bounds_count_only_in_kept_candidates(study):
    everywhere(study, "pools")
    study.edit("selected", lesion_row(study, "pools"), "kept", False)
    assert failed(study.judge("pools", only="masks")) == []


def test_the_levels_and_the_row_of_a_three_valued_mask_are_named(study):
    three_values(study, "pairs")
    row = next(item for item in study.judge("pairs", only="masks")["expectations"] if not item["pass"])["failing_rows"][0]
    assert row["other_levels"] == "128"
    assert row["image_id"] == study.file("pairs", lesion_row(study, "pairs")).stem


def test_a_pool_without_masks_in_its_ledger_is_named(study):
    read_pair_ledger(study.root / POOL)[LEDGER].to_parquet(study.root / POOL / "ledger.parquet")
    with pytest.raises(InputError, match=r"ledger\.parquet: missing column 'mask_path', which a pool of pairs has"):
        study.judge("pools")


def test_every_expectation_of_masks_was_seen_to_fail(good_lesions):
    seen = {(part, name) for part, _, name in ONE_FAULT}
    for part in ("scans", "pairs", "pools"):
        names = {item["name"] for item in good_lesions.judge(part, TIGHT, only="masks")["expectations"]}
        assert names - {name for where, name in seen if where == part} == {"masks are not empty"}
