"""Mixing: how many images, which ones, and what happens when there are too few."""

from typing import Any

import numpy as np
import pytest

from synthtrace.classify.mixing import (
    LabelledImages,
    Supply,
    check_pool,
    class_sequence,
    draw,
    mixed_in,
    supply,
    traditional,
    upsampled,
)
from synthtrace.errors import InputError
from synthtrace.params import load_params


def labelled(count: int, side: int = 12) -> LabelledImages:
    rng = np.random.default_rng(0)
    images = rng.integers(1, 256, (count, 1, side, side), dtype=np.uint8)
    return LabelledImages(images, np.arange(count) % 2, [f"i{n}" for n in range(count)])


def test_the_rate_is_synthetic_over_real() -> None:
    assert [mixed_in(rate, 44) for rate in (0, 0.5, 1, 1.5)] == [0, 22, 44, 66]


def test_draws_are_of_kept_images_without_replacement_and_nested_over_rates() -> None:
    kept, labels = np.arange(40) % 4 != 1, np.zeros(40, dtype=np.int64)
    small, large, every = (draw(labels, kept, count, np.random.default_rng(5)) for count in (10, 20, 50))
    assert len(set(large.tolist())) == 20
    assert large[:10].tolist() == small.tolist()
    assert sorted(every.tolist()) == np.flatnonzero(kept).tolist()


def test_a_draw_has_the_classes_shares_of_the_pool_whatever_is_kept() -> None:
    labels = np.array([0] * 30 + [1] * 60 + [2] * 10)
    kept = np.ones(100, dtype=bool)
    kept[0:20] = False  # a selection that keeps a third of class 0 and all others
    drawn = draw(labels, kept, 30, np.random.default_rng(5))
    assert kept[drawn].all()
    assert np.bincount(labels[drawn]).tolist() == [9, 18, 3]
    assert np.bincount(labels[drawn[:10]]).tolist() == [3, 6, 1]


def test_a_draw_ends_where_a_class_has_no_more() -> None:
    labels, kept = np.arange(20) % 2, np.arange(20) < 6
    drawn = draw(labels, kept, 20, np.random.default_rng(5))
    assert sorted(drawn.tolist()) == list(range(6))
    labels[[1, 3]] = 0  # of class 1, one image is kept
    assert (labels[draw(labels, kept, 20, np.random.default_rng(5))] == 1).sum() == 1


@pytest.mark.parametrize("count", [0, 1, 7, 50])
def test_any_start_of_a_class_sequence_has_shares_to_the_nearest_image(count: int) -> None:
    labels = np.repeat([0, 1, 3], [5, 31, 64])
    sequence = class_sequence(labels, 50)[:count]
    assert sequence.tolist() == class_sequence(labels, count).tolist()
    for label, share in ((0, 0.05), (1, 0.31), (3, 0.64)):
        assert abs((sequence == label).sum() - share * count) <= 1


def test_supply_is_of_the_class_that_can_spare_least() -> None:
    labels, kept = np.arange(20) % 2, np.arange(20) % 4 != 1
    assert supply(labels, kept, 10) == Supply(label=1, kept=5, candidates=10, needed=5)
    assert supply(labels, kept, 10).enough
    assert not supply(labels, kept, 12).enough


def test_too_small_a_pool_says_the_acceptance_rate_and_the_pool_needed() -> None:
    check_pool(Supply(1, 60, 100, 60), "class", 0, "mixing_rate 1.0", "nafld")
    with pytest.raises(InputError, match=r"mixing_rate 1.5 needs 90 .* of nafld .* 60 of 100 .* 60.0%.* hold 150 of"):
        check_pool(Supply(1, 60, 100, 90), "class", 0, "mixing_rate 1.5", "nafld")


def test_a_pool_of_copies_alone_says_that_no_size_would_do() -> None:
    with pytest.raises(InputError, match="no pool size would do"):
        check_pool(Supply(0, 0, 5, 1), "class", 0, "mixing_rate 1.0", "nafld")


@pytest.fixture
def settings() -> Any:
    return load_params().classifier


def test_traditional_images_are_crops_of_the_originals_with_their_labels(settings: Any) -> None:
    native = labelled(5, side=40)
    crops = traditional(native, 16, 12, settings, np.random.default_rng(0))
    assert crops.images.shape == (12, 1, 16, 16)
    originals = [image_id.split("~")[0] for image_id in crops.image_ids]
    assert len(set(crops.image_ids)) == 12
    assert {originals.count(image_id) for image_id in native.image_ids} == {2, 3}
    assert crops.labels.tolist() == [native.labels[native.image_ids.index(image_id)] for image_id in originals]


def test_traditional_images_of_a_smaller_count_are_the_first_of_a_larger_one(settings: Any) -> None:
    """Seven of five images: the second round begins."""
    native = labelled(5, side=40)
    small, large = (traditional(native, 16, count, settings, np.random.default_rng(2)) for count in (3, 7))
    assert large.image_ids[:3] == small.image_ids
    assert np.array_equal(large.images[:3], small.images)


def test_upsampling_makes_every_class_as_frequent_as_the_commonest_and_leaves_no_image_out() -> None:
    labels = np.array([2, 0, 2, 2, 2, 0, 2, 2, 2, 0])  # 3 of class 0, none of class 1, 7 of class 2
    positions = upsampled(labels, np.random.default_rng(0))
    assert positions[:10].tolist() == list(range(10))
    assert np.bincount(labels[positions]).tolist() == [7, 0, 7]
    assert sorted(np.bincount(positions)[[1, 5, 9]].tolist()) == [2, 2, 3]


def test_balanced_classes_are_left_as_they_are() -> None:
    assert upsampled(np.array([1, 0, 1, 0]), np.random.default_rng(0)).tolist() == [0, 1, 2, 3]


def test_traditional_images_are_rotated_with_the_stated_probability(settings: Any) -> None:
    """In a crop of a horizontal ramp all rows are equal, unless it was rotated."""
    ramp = np.broadcast_to(np.linspace(10, 250, 60).astype(np.uint8), (1, 1, 60, 60)).copy()
    crops = traditional(LabelledImages(ramp, np.array([0]), ["r"]), 40, 400, settings, np.random.default_rng(0))
    rotated = (crops.images.std(axis=2) > 0).any(axis=(1, 2))
    assert abs(rotated.mean() - 0.25) < 0.07


def test_no_traditional_image_at_rate_zero(settings: Any) -> None:
    assert traditional(labelled(3), 16, 0, settings, np.random.default_rng(0)).images.shape == (0, 1, 16, 16)
