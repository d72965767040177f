"""Mixing: how many images, which ones, and what happens when there are too few."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthtrace.classify.mixing import LabelledImages, check_pool, draw, mixed_in, traditional
from synthtrace.errors import InputError
from synthtrace.params import load_params


def labelled(count: int, side: int = 12) -> LabelledImages:
    rng = np.random.default_rng(0)
    images = rng.integers(1, 256, (count, 1, side, side), dtype=np.uint8)
    return LabelledImages(images, np.arange(count) % 2, [f"i{n}" for n in range(count)])


def test_the_rate_is_synthetic_over_real() -> None:
    assert [mixed_in(rate, 44) for rate in (0, 0.5, 1, 1.5)] == [0, 22, 44, 66]


def test_draws_are_without_replacement_and_nested_over_rates() -> None:
    pool = labelled(30)
    small = draw(pool, 10, np.random.default_rng(5))
    large = draw(pool, 20, np.random.default_rng(5))
    assert len(set(large.image_ids)) == 20
    assert large.image_ids[:10] == small.image_ids
    assert np.array_equal(large.images[3, 0], pool.images[pool.image_ids.index(large.image_ids[3]), 0])


def test_too_small_a_pool_says_the_acceptance_rate_and_the_pool_needed() -> None:
    selection = pd.DataFrame({"kept": [True] * 60 + [False] * 40})
    check_pool(selection, 60, "class", 0, 1.0)
    with pytest.raises(InputError, match=r"mixing_rate 1.5 needs 90 .* kept 60 of 100 .* 60.0%.* at least 150$"):
        check_pool(selection, 90, "class", 0, 1.5)


def test_a_pool_of_copies_alone_says_that_no_size_would_do() -> None:
    with pytest.raises(InputError, match="no pool size would do"):
        check_pool(pd.DataFrame({"kept": [False] * 5}), 1, "class", 0, 1.0)


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


def test_traditional_images_are_rotated_with_the_stated_probability(settings: Any) -> None:
    """In a crop of a horizontal ramp all rows are equal, unless it was rotated."""
    ramp = np.broadcast_to(np.linspace(10, 250, 60).astype(np.uint8), (1, 1, 60, 60)).copy()
    crops = traditional(LabelledImages(ramp, np.array([0]), ["r"]), 40, 400, settings, np.random.default_rng(0))
    rotated = (crops.images.std(axis=2) > 0).any(axis=(1, 2))
    assert abs(rotated.mean() - 0.25) < 0.07


def test_no_traditional_image_at_rate_zero(settings: Any) -> None:
    assert traditional(labelled(3), 16, 0, settings, np.random.default_rng(0)).images.shape == (0, 1, 16, 16)
