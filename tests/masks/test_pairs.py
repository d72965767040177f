"""Squashing of image and mask, limits of areas, and the ledger of pairs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lesion_study import SIDE, LesionStudy
from pydantic import ValidationError

from synthtrace.images import pixel_hash, read_image
from synthtrace.pair_tables import PAIR_LEDGER, read_pair_ledger, write_pair_ledger
from synthtrace.params.masks import Masks
from synthtrace.preprocess.pairs import squashed_mask, write_pairs
from synthtrace.tables import read_manifest


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> LesionStudy:
    return LesionStudy(tmp_path_factory.mktemp("pairs")).made()


def test_a_pixel_is_lesion_where_half_of_its_area_was() -> None:
    mask = np.zeros((4, 6), np.uint8)
    mask[0, :3] = 255  # 3 of the first pixel's 6
    mask[2:, 3] = 255  # 2 of the last pixel's 6
    assert squashed_mask(mask, 2).tolist() == [[255, 0], [0, 0]]
    assert squashed_mask(mask, 2).dtype == np.uint8
    assert not squashed_mask(np.zeros((7, 9), np.uint8), 4).any()
    assert squashed_mask(np.full((7, 9), 255, np.uint8), 4).all()


def test_a_disc_keeps_its_area_and_place_when_squashed() -> None:
    rows, columns = np.mgrid[:200, :300]
    disc = np.where(np.hypot(rows - 60, columns - 200) < 40, np.uint8(255), np.uint8(0))
    small = squashed_mask(disc, 64) > 0
    assert small.mean() == pytest.approx((disc > 0).mean(), abs=0.003)
    assert [where.mean() for where in np.nonzero(small)] == pytest.approx([60 * 64 / 200 - 0.5, 200 * 64 / 300 - 0.5], abs=0.3)


def test_pairs_are_written_with_what_is_known_of_them(study: LesionStudy) -> None:
    scans, pairs = read_manifest(study.root / "scans"), read_manifest(study.root / "pairs")
    assert pairs["image_id"].tolist() == scans["image_id"].tolist()
    assert pairs["scan_pixel_hash"].tolist() == scans["pixel_hash"].tolist()
    assert pairs["scan_mask_hash"].tolist() == scans["mask_hash"].tolist()
    assert pairs["group_id"].tolist() == scans["group_id"].tolist()
    for row in range(len(pairs)):
        image, mask = (read_image(study.root / "pairs" / pairs[name][row]) for name in ("path", "mask_path"))
        assert image.shape == (SIDE, SIDE, 3)
        assert mask.shape == (SIDE, SIDE)
        assert (pixel_hash(image), pixel_hash(mask)) == (pairs["pixel_hash"][row], pairs["mask_hash"][row])
        assert (mask > 0).mean() == pytest.approx(pairs["mask_area"][row])
        assert pairs["mask_area"][row] == pytest.approx(scans["mask_area"][row], abs=0.01)


def test_one_channel_makes_grey_images(study: LesionStudy, tmp_path: Path) -> None:
    scans = read_manifest(study.root / "scans")[:1]
    pairs = write_pairs(study.root / "scans", scans, tmp_path / "grey", SIDE, 1, lambda items, _: items)
    assert read_image(tmp_path / "grey" / pairs["path"][0]).shape == (SIDE, SIDE)


def test_the_ledger_keeps_what_is_said_of_masks(tmp_path: Path) -> None:
    ledger = pd.DataFrame([{name: name for name in ["teacher", *reversed(PAIR_LEDGER)]}])
    write_pair_ledger(tmp_path, ledger)
    assert read_pair_ledger(tmp_path).columns.tolist() == [*PAIR_LEDGER, "teacher"]


def test_limits_of_areas() -> None:
    legal = Masks(empty=True, least_area="5e-4", most_area=0.8)
    assert [legal.allows(area) for area in (0, 0.0004, 0.0005, 0.8, 0.81)] == [True, False, True, True, False]
    assert not legal.model_copy(update={"empty": False}).allows(0)
    for wrong in ({"least_area": 0}, {"least_area": 0.8}, {"most_area": 1.1}, {"empty": None}):
        with pytest.raises(ValidationError):
            Masks(**{"empty": True, "least_area": 0.1, "most_area": 0.8} | wrong)
