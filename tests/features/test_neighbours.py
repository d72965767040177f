"""Radii, realism and manifolds against plain numpy, whatever the chunk is."""

import numpy as np
import pytest

from synthtrace.features import neighbours

CHUNKS = [1, 7, 64, neighbours.CHUNK]


def cloud(count: int, seed: int, dim: int = 12, shift: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(count, dim)) + shift).astype(np.float32)


def distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None].astype(float) - others[None].astype(float), axis=2)


def plain_radii(features: np.ndarray, k: int) -> np.ndarray:
    """Of each row, the k-th least distance to the others: the image itself, at distance 0, comes first in its row."""
    return np.sort(distances(features, features), axis=1)[:, k]


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("k", [1, 3])
def test_all_three_agree_with_plain_numpy(chunk, k):
    real, others = cloud(60, 0), cloud(45, 1)
    radius = neighbours.radii(real, k, chunk)
    np.testing.assert_allclose(radius, plain_radii(real, k), rtol=1e-6)
    apart = distances(others, real)
    np.testing.assert_allclose(neighbours.realism(others, real, radius, chunk), (radius / apart).max(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(neighbours.inside(others, real, radius, chunk), (apart <= radius).any(axis=1))


def test_distances_keep_their_digits_far_from_the_origin():
    real, others = cloud(60, 0, shift=1000.0), cloud(45, 1, shift=1000.0)
    np.testing.assert_allclose(neighbours.radii(real, 3), plain_radii(real, 3), rtol=1e-6)
    radius = plain_radii(real, 3)
    np.testing.assert_allclose(
        neighbours.realism(others, real, radius), (radius / distances(others, real)).max(axis=1), rtol=1e-5
    )


def test_an_image_is_no_neighbour_of_itself_but_its_twin_is():
    real = np.array([[0.0], [0.0], [3.0], [7.0]], dtype=np.float32)
    assert neighbours.radii(real, 1).tolist() == [0.0, 0.0, 3.0, 4.0]
    assert neighbours.radii(real, 2).tolist() == [3.0, 3.0, 3.0, 7.0]


def test_equal_images_are_at_distance_zero_whatever_their_lengths():
    real = np.repeat(cloud(1, 0, dim=512, shift=30.0), 6, axis=0)
    assert neighbours.radii(np.concatenate([real, cloud(20, 1, dim=512)]), 3)[:6].tolist() == [0.0] * 6
    assert neighbours.inside(real[:2], real, np.zeros(6)).all()


def test_without_enough_others_a_radius_is_infinite_and_nothing_is_realistic():
    radius = neighbours.radii(cloud(3, 0), 3)
    assert np.isinf(radius).all()
    assert np.isnan(neighbours.realism(cloud(5, 1), cloud(3, 0), radius)).all()


def test_what_is_pruned_makes_nothing_realistic():
    real = np.array([[0.0], [10.0]], dtype=np.float32)
    candidates = np.array([[1.0], [9.0]], dtype=np.float32)
    assert neighbours.realism(candidates, real, np.array([2.0, np.nan])) == pytest.approx([2.0, 2 / 9])


def test_a_candidate_on_a_real_image_has_a_large_finite_score():
    real = cloud(20, 0)
    score = neighbours.realism(real[:2], real, neighbours.radii(real, 3))
    assert np.isfinite(score).all()
    assert score.min() > 1e4


def test_nothing_is_asked_about_nothing():
    real = cloud(5, 0)
    assert neighbours.realism(real[:0], real, np.ones(5)).shape == (0,)
    assert neighbours.inside(real[:0], real, np.ones(5)).shape == (0,)
