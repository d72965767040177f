"""Masks unlike every real one are told from those that could be real; real masks are not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from synthtrace.errors import InputError
from synthtrace.selection.mask_shapes import MaskShapes, describe

SIDE = 48
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
POLYPS = Path(__file__).parents[2].parent / "shared" / "data" / "polypgen_c1_c5_512"


def drawn(inside: np.ndarray) -> np.ndarray:
    return (inside[None] * 255).astype(np.uint8)


def ellipses(count: int, seed: int = 0) -> np.ndarray:
    """Lesions of some 3 to 15 % of the image, well inside."""
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(count):
        row, column, radius, stretch = *rng.uniform(16, 32, 2), rng.uniform(5, 9), rng.uniform(0.8, 1.25)
        masks.append(drawn(np.hypot((ROWS - row) * stretch, (COLUMNS - column) / stretch) < radius))
    return np.stack(masks)


def shapes(count: int = 120, mask_quantile: float = 0.01) -> MaskShapes:
    return MaskShapes.of(ellipses(count), pd.Series([f"i{n}" for n in range(count)]), mask_quantile)


def test_descriptors_of_known_masks():
    square, ring = drawn((ROWS < 24) & (COLUMNS < 24)), drawn(np.abs(np.hypot(ROWS - 24, COLUMNS - 24) - 12) < 3)
    strip, two = drawn((ROWS == 20) & (COLUMNS > 3) & (COLUMNS < 30)), drawn((ROWS % 24 < 4) & (COLUMNS < 9))
    found = describe(np.stack([square, ring, strip, two, np.zeros_like(square)]))
    assert found["area"][0] == pytest.approx(np.log(1 / 3), abs=1e-2)
    assert found["components"].iloc[:4].tolist() == pytest.approx(np.log([2, 2, 2, 3]))
    assert found["holes"].iloc[:4].tolist() == pytest.approx(np.log([1, 2, 1, 1]))
    assert found["solidity"][0] == 1
    assert found["solidity"][1] < 0.7
    assert found["elongation"][0] == pytest.approx(0, abs=1e-6)
    assert found["elongation"][2] > 0.95
    assert found["border"].iloc[:4].tolist() == pytest.approx([47 / 188, 0, 0, (9 + 7) / 188], abs=1e-9)
    assert found.iloc[4].isna().all()


@pytest.mark.parametrize(
    "inside",
    [
        ROWS < 0.9 * SIDE,
        ROWS >= 0,
        np.random.default_rng(0).random((SIDE, SIDE)) < 0.1,
        np.hypot(ROWS % 16 - 8, COLUMNS % 16 - 8) < 5,
        np.abs(np.hypot(ROWS - 24, COLUMNS - 24) - 10) < 1.5,
        np.abs(ROWS - 24) < 1,
        (ROWS == 24) & (COLUMNS == 24),
    ],
    ids=["nine tenths", "everything", "speckle", "nine lesions", "a ring", "a stripe", "a pixel"],
)
def test_a_mask_unlike_any_real_one_is_told(inside):
    assert shapes().judge(drawn(inside)[None])["mask_unlike"].all()


def test_further_real_masks_are_alike_but_for_about_the_share_that_was_asked_for():
    others = ellipses(300, seed=1)
    assert shapes(mask_quantile=0.0).judge(others)["mask_unlike"].mean() < 0.05
    assert 0.1 < shapes(mask_quantile=0.2).judge(others)["mask_unlike"].mean() < 0.35
    assert shapes(mask_quantile=0.2).report()["real_beyond"] == 24


def test_a_real_mask_is_its_own_nearest_and_an_empty_one_is_empty_and_not_unlike():
    found = shapes().judge(np.concatenate([ellipses(3), np.zeros((1, 1, SIDE, SIDE), np.uint8)]))
    assert found["nearest_mask_id"].tolist()[:3] == ["i0", "i1", "i2"]
    assert found["mask_distance"].tolist()[:3] == [0, 0, 0]
    assert found["mask_area"].iloc[0] == np.count_nonzero(ellipses(1)) / SIDE**2
    assert found["empty"].tolist() == [False, False, False, True]
    assert not found["mask_unlike"].any()


def test_empty_training_masks_say_nothing_and_one_mask_is_too_few():
    masks, ids = np.concatenate([ellipses(20), np.zeros((5, 1, SIDE, SIDE), np.uint8)]), pd.Series([f"i{n}" for n in range(25)])
    with_empty, without = MaskShapes.of(masks, ids, 0.01), MaskShapes.of(masks[:20], ids[:20], 0.01)
    assert with_empty.report() == without.report()
    with pytest.raises(InputError, match="expected two or more that are not empty, found 1"):
        MaskShapes.of(masks[19:], ids[19:], 0.01)


@pytest.mark.skipif(not POLYPS.is_dir(), reason="the real polyp set is not at hand")
def test_real_polyps_are_alike_and_their_complements_are_not():
    names = pd.read_csv(POLYPS / "manifest.csv")["mask_file"]
    small = [np.asarray(Image.open(POLYPS / name).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)) for name in names]
    masks = np.stack([drawn(mask >= 128) for mask in small])
    masks = masks[masks.any(axis=(1, 2, 3))]
    learnt = MaskShapes.of(masks[::2], pd.Series([str(n) for n in range(len(masks[::2]))]), 0.01)
    assert learnt.judge(masks[1::2])["mask_unlike"].mean() < 0.08
    assert learnt.judge(255 - masks[1::2])["mask_unlike"].mean() > 0.8
