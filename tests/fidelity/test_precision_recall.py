"""Improved precision and recall: known answers, and torch-fidelity's on the same features."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_prc import prc_features_to_metric

from synthtrace.features import neighbours
from synthtrace.fidelity.jackknife import Units
from synthtrace.fidelity.precision_recall import f1, score

K = 3


def units(count: int) -> Units:
    return Units.of(np.arange(count).astype(str), np.zeros(count, dtype=int), 200)


def measured(own: np.ndarray, others: np.ndarray, k: int = K) -> list[float | None]:
    return [one.value for one in score(own, others, (units(len(own)), units(len(others))), k)]


def cloud(count: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(count, 8)) + shift).astype(np.float32)


def test_identical_sets_cover_each_other() -> None:
    assert measured(cloud(40, 0), cloud(40, 0)) == [1.0, 1.0, 1.0]


def test_disjoint_sets_share_nothing() -> None:
    assert measured(cloud(40, 0), cloud(40, 1, shift=100.0)) == [0.0, 0.0, 0.0]


def test_a_generator_that_repeats_one_real_image_has_precision_and_no_recall() -> None:
    real = cloud(40, 0)
    precision, recall, both = measured(np.repeat(real[:1], 40, axis=0), real)
    assert precision == 1.0
    assert recall == pytest.approx(1 / 40)  # the repeated image alone
    assert both == pytest.approx(2 * (1 / 40) / (1 + 1 / 40))


def test_a_collapsed_generator_off_every_real_image_has_no_recall() -> None:
    real = cloud(40, 0)
    assert measured(np.repeat(real[:1] + 1e-2, 40, axis=0), real)[1] == 0.0


def test_too_few_images_leave_it_undefined() -> None:
    assert measured(cloud(K, 0), cloud(40, 1)) == [None, None, None]


def test_torch_fidelity_agrees_on_the_same_features() -> None:
    own, real = cloud(60, 2, shift=0.4), cloud(50, 3)
    theirs = prc_features_to_metric(
        torch.from_numpy(own), torch.from_numpy(real), prc_neighborhood=K, prc_batch_size=16, save_cpu_ram=False, verbose=False
    )
    precision, recall, both = measured(own, real)
    assert precision == pytest.approx(theirs["precision"])
    assert recall == pytest.approx(theirs["recall"])
    assert both == pytest.approx(theirs["f_score"])


def test_the_size_of_a_chunk_changes_nothing() -> None:
    own, real = cloud(60, 2), cloud(50, 3)
    radius = [neighbours.radii(real, K, chunk) for chunk in (7, 1000)]
    assert np.array_equal(*radius)
    assert np.array_equal(*(neighbours.inside(own, real, radius[0], chunk) for chunk in (7, 1000)))


def test_f1_of_nothing_is_zero() -> None:
    assert f1(0.0, 0.0) == 0
    assert f1(0.5, 0.5) == 0.5


def test_intervals_speak_of_the_images_that_are_asked() -> None:
    """With half of 100 images inside, the deviation of precision is that of a share."""
    real = cloud(60, 0)
    own = np.concatenate([real[:50], cloud(50, 1, shift=100.0)])
    precision = score(own, real, (units(100), units(60)), K)[0]
    assert precision.value == 0.5
    assert precision.deviation == pytest.approx(np.sqrt(0.25 / 99), rel=0.05)
