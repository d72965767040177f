"""Which generated pairs are kept, and what of an inpainted image makes it a copy."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import gaussian_filter

from synthtrace.errors import InputError
from synthtrace.pair_tables import Pairs
from synthtrace.params.masks import Masks
from synthtrace.params.pair_selection import PairSelection
from synthtrace.selection.filled import FilledFinder, reliefs
from synthtrace.selection.pair_rules import kept
from synthtrace.selection.pairs import Painted, score_pairs

SIDE = 48
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
COUNT = 24
LEGAL = Masks(empty=True, least_area=0.001, most_area=0.95)
SETTINGS = PairSelection(mask_quantile=0.01, copy_quantile=0.5)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def embed(images: np.ndarray) -> np.ndarray:
    """A stand-in for the extractor: four by four means, blind to mirroring."""
    means = images.reshape(len(images), -1, 4, SIDE // 4, 4, SIDE // 4).mean(axis=(3, 5))
    return ((means + means[..., ::-1]) / 2).reshape(len(images), -1).astype(np.float32)


def texture(rng: np.random.Generator, scale: float = 3) -> np.ndarray:
    noise = gaussian_filter(rng.standard_normal((SIDE, SIDE)), scale)
    return noise / noise.std()


def real(count: int = COUNT, seed: int = 0) -> Pairs:
    """Walls with a lesion of a texture of its own, a little brighter, each of a patient of its own."""
    rng = np.random.default_rng(seed)
    images, masks = [], []
    for _ in range(count):
        row, column, radius = *rng.uniform(18, 30, 2), rng.uniform(7, 11)
        inside = np.hypot(ROWS - row, COLUMNS - column) < radius
        wall, lesion = 110 + 18 * texture(rng, 6), 150 + 25 * texture(rng)
        images.append(np.where(inside, lesion, wall)[None])
        masks.append(inside[None])
    rows = pd.DataFrame(
        {"image_id": [f"r{n}" for n in range(count)], "patient_id": [f"p{n}" for n in range(count)], "label": 0}
    )
    return Pairs(eight_bit(np.stack(images)), np.stack(masks).astype(np.uint8) * 255, rows)


def eight_bit(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def dilated(masks: np.ndarray) -> np.ndarray:
    return np.stack([gaussian_filter(mask[0] / 255.0, 1.5) > 0.1 for mask in masks])[:, None]


TRAINING = real()
FILLS = dilated(TRAINING.masks)


def painted(contents: np.ndarray) -> np.ndarray:
    """The first training images, with other contents in their painted regions."""
    count = len(contents)
    return np.where(FILLS[:count], eight_bit(contents), TRAINING.images[:count])


def lesions(seed: int, count: int = 8) -> np.ndarray:
    """New lesions in the outlines of the first training images."""
    rng = np.random.default_rng(seed)
    walls = TRAINING.images[:count].astype(float)
    new = np.stack([150 + 25 * texture(rng) for _ in range(count)])[:, None]
    return np.where(TRAINING.masks[:count] > 0, new, gaussian_filter(walls, (0, 0, 4, 4)))


@pytest.fixture(scope="module")
def finder() -> FilledFinder:
    torch.set_num_threads(1)
    return FilledFinder(TRAINING.images, FILLS, TRAINING.rows, embed, 0.5)


def found(finder: FilledFinder, contents: np.ndarray) -> pd.DataFrame:
    return finder.find(painted(contents), TRAINING.rows["image_id"][: len(contents)])


@pytest.mark.parametrize("how", ["as it is", "noised", "a step at the seam", "other shading", "fainter"])
def test_a_source_painted_back_is_a_copy_of_it(finder, how):
    contents = TRAINING.images[:8].astype(float)
    rng = np.random.default_rng(5)
    if how == "noised":
        contents += rng.normal(0, 4, contents.shape)
    elif how == "a step at the seam":
        contents += 25
    elif how == "other shading":
        contents += 30 * (COLUMNS / SIDE - 0.5)
    elif how == "fainter":
        contents = 60 + 0.6 * contents
    table = found(finder, contents)
    assert table["copy"].all()
    assert table["nearest_real_id"].tolist() == [f"r{n}" for n in range(8)]


def test_a_really_different_filling_is_no_copy_though_all_around_it_is_the_source(finder):
    images = painted(lesions(seed=7))
    assert (images == TRAINING.images[:8]).mean() > 0.6
    assert not found(finder, lesions(seed=7))["copy"].any()


def test_a_filling_without_relief_is_no_copy(finder):
    smooth = np.broadcast_to(120 + 20.0 * (ROWS / SIDE), (8, 1, SIDE, SIDE))
    assert not found(finder, smooth)["copy"].any()


def test_another_training_images_lesion_is_a_copy_of_that_one_mirrored_or_not():
    training = Pairs(TRAINING.images.copy(), TRAINING.masks, TRAINING.rows)
    training.images[12:20] = np.where(FILLS[:8], lesions(seed=9), TRAINING.images[12:20])
    fills = FILLS.copy()
    fills[12:20] = FILLS[:8]
    other = FilledFinder(training.images, fills, training.rows, embed, 0.5)
    table = other.find(painted(lesions(seed=9)), TRAINING.rows["image_id"][:8])
    assert table["copy"].all()
    assert table["nearest_real_id"].tolist() == [f"r{n}" for n in range(12, 20)]
    mirrored = other.find(training.images[12:20, ..., ::-1][..., ::-1].copy(), TRAINING.rows["image_id"][:8])
    assert mirrored["copy"].all()


def test_reliefs_know_nothing_of_what_lies_around_and_of_a_region_at_the_images_edge():
    fill = (ROWS < 12) & (COLUMNS < 30)
    images = np.concatenate([TRAINING.images[:1]] * 2)
    images[1, :, ~fill] = 0
    one, other = reliefs(images, np.stack([fill[None]] * 2))
    np.testing.assert_array_equal(one, other)
    assert one.std() > 2
    whole = reliefs(TRAINING.images[:1], np.ones((1, 1, SIDE, SIDE), dtype=bool))
    assert abs(whole.mean() - 128) < 2


def test_a_source_that_is_no_training_image_with_a_lesion_is_an_error():
    fills = FILLS.copy()
    fills[0] = False
    with pytest.raises(InputError, match="source 'r0' of an inpainted image: expected a training image with a lesion"):
        FilledFinder(TRAINING.images, fills, TRAINING.rows, embed, 0.5).find(TRAINING.images[:1], pd.Series(["r0"]))
    with pytest.raises(InputError, match="expected one or more with a lesion to paint anew, found none"):
        FilledFinder(TRAINING.images, np.zeros_like(fills), TRAINING.rows, embed, 0.5)


def candidates() -> Pairs:
    """New pairs, then a mirrored training image, an empty mask and a mask of nine-tenths of its image."""
    new = real(7, seed=11)
    images, masks = new.images.copy(), new.masks.copy()
    images[4], masks[4] = TRAINING.images[3, ..., ::-1], TRAINING.masks[3, ..., ::-1]
    masks[5] = 0
    masks[6] = np.where(ROWS < 0.9 * SIDE, 255, 0)
    return Pairs(images, masks, pd.DataFrame({"image_id": [f"c{n}" for n in range(7)], "label": 0}, index=range(5, 12)))


def test_copies_empty_masks_and_masks_unlike_any_real_one_are_dropped_and_counted():
    table, report = score_pairs(candidates(), TRAINING, embed, SETTINGS, None)
    assert table["image_id"].tolist() == [f"c{n}" for n in range(7)]
    assert kept(table, LEGAL).tolist() == [True] * 4 + [False] * 3
    assert table["copy"].tolist() == [False] * 4 + [True, False, False]
    assert table["empty"].tolist() == [False] * 5 + [True, False]
    assert table["mask_unlike"].tolist() == [False] * 6 + [True]
    assert table["nearest_real_id"][4] == "r3"
    counts = {name: report[name] for name in ("candidates", "copies", "empty_masks", "unlike_masks")}
    assert counts == {"candidates": 7, "copies": 1, "empty_masks": 1, "unlike_masks": 1}
    assert (report["training_images"], report["copied_training_images"]) == (COUNT, 1)


@pytest.mark.parametrize("painted", [None, Painted(FILLS, pd.Series([], dtype=object))])
def test_an_empty_pool_has_the_same_columns_and_no_row(painted):
    nothing = candidates().take([])
    table, report = score_pairs(nothing, TRAINING, embed, SETTINGS, painted)
    full, _ = score_pairs(candidates(), TRAINING, embed, SETTINGS, None)
    assert table.empty
    assert table.dtypes.to_dict() == full.dtypes.to_dict()
    assert [report[name] for name in ("candidates", "copies", "empty_masks", "unlike_masks", "copied_training_images")] == [
        0
    ] * 5


def test_a_mask_of_an_illegal_area_is_dropped_and_an_empty_one_though_real_ones_may_be_empty():
    table, _ = score_pairs(candidates(), TRAINING, embed, SETTINGS, None)
    areas = table["mask_area"][:4]
    bounds = LEGAL.model_copy(update={"most_area": float(areas.max()) - 1e-6})
    assert kept(table, bounds).tolist() == [area < areas.max() for area in areas] + [False] * 3
    assert kept(table.assign(mask_unlike=False), LEGAL).tolist() == [True] * 4 + [False, False, True]


def test_inpainted_pairs_are_kept_where_their_filling_is_new_and_whole_images_would_not_be():
    contents = np.concatenate([lesions(seed=7, count=4), TRAINING.images[4:6].astype(float)])
    ledger = pd.DataFrame({"image_id": [f"c{n}" for n in range(6)], "label": 0})
    pool = Pairs(painted(contents), TRAINING.masks[:6], ledger)
    table, report = score_pairs(pool, TRAINING, embed, SETTINGS, Painted(FILLS, TRAINING.rows["image_id"][:6]))
    assert kept(table, LEGAL).tolist() == [True] * 4 + [False] * 2
    assert (report["copies"], report["copied_training_images"]) == (2, 2)
    whole, _ = score_pairs(pool, TRAINING, embed, SETTINGS, None)
    # the wall around is the source's: of all but one pair that alone makes it the nearest
    assert (whole["nearest_real_id"] == [f"r{n}" for n in range(6)]).sum() >= 5
    assert whole["nearest_real_distance"].max() < table["nearest_real_distance"][:4].min()
