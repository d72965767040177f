"""Frechet distance, kernel distance and Inception score: known answers and independent implementations."""

import numpy as np
import pytest
from scipy import linalg
from torch_fidelity import metric_kid

from synthtrace.fidelity import frechet, inception_score, kernel


def features(count: int, width: int, seed: int, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(shift, 1, (count, width)) * np.geomspace(3, 0.3, width) + 5


def by_eigenvalues(first: np.ndarray, second: np.ndarray) -> float:
    """Heusel's formula with (S1^1/2 S2 S1^1/2)^1/2, the covariances being whole matrices."""
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = linalg.eigh(one)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    common = np.sqrt(linalg.eigvalsh(root @ other @ root).clip(0)).sum()
    apart = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
    return float(apart + np.trace(one) + np.trace(other) - 2 * common)


def gaussian(count: int, mean: np.ndarray, deviations: np.ndarray, seed: int) -> np.ndarray:
    """Features whose sample mean and covariance, diagonal, are exactly these."""
    raw = np.random.default_rng(seed).normal(size=(count, len(mean)))
    orthogonal = np.linalg.qr(raw - raw.mean(axis=0))[0]
    return mean + orthogonal * np.sqrt(count - 1) * deviations


@pytest.mark.parametrize(("n1", "n2", "width"), [(40, 30, 64), (200, 30, 64), (30, 200, 64), (200, 150, 64), (2, 2, 5)])
def test_the_gram_identity_is_the_eigenvalue_distance_with_fewer_and_with_more_images_than_features(n1, n2, width):
    first, second = features(n1, width, 1), features(n2, width, 2, shift=0.3)
    assert frechet.distance(first, second) == pytest.approx(by_eigenvalues(first, second), rel=1e-6)


def test_the_distance_of_full_rank_sets_is_that_of_scipys_matrix_root():
    first, second = features(300, 20, 1), features(200, 20, 2, shift=0.3)
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    apart = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
    expected = apart + np.trace(one + other - 2 * linalg.sqrtm(one @ other).real)
    assert frechet.distance(first, second) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("width", [8, 500])
def test_two_gaussians_have_the_distance_that_their_moments_give_on_paper(width):
    rng = np.random.default_rng(3)
    means, deviations = rng.normal(size=(2, 8)), rng.uniform(0.5, 3, (2, 8))
    sets = [gaussian(60, means[index], deviations[index], index) for index in (0, 1)]
    turned = np.linalg.qr(rng.normal(size=(width, width)))[0][:8]
    expected = np.square(means[0] - means[1]).sum() + np.square(deviations[0] - deviations[1]).sum()
    assert frechet.distance(sets[0] @ turned, sets[1] @ turned) == pytest.approx(expected, rel=1e-9)


def test_a_set_is_at_distance_zero_from_itself_and_sets_have_one_distance_both_ways():
    first, second = features(40, 64, 1), features(30, 64, 2)
    assert frechet.distance(first, first[::-1]) == pytest.approx(0, abs=1e-9)
    assert frechet.distance(first, second) == pytest.approx(frechet.distance(second, first), rel=1e-12)


@pytest.mark.parametrize("method", [frechet, kernel])
@pytest.mark.parametrize(("n1", "n2"), [(40, 30), (20, 50)])
def test_distances_of_parts_are_those_of_the_rows_that_are_left(monkeypatch, method, n1, n2):
    monkeypatch.setattr(frechet, "CHUNK", 2 * n1 * n2)
    first, second = features(n1, 24, 1), features(n2, 24, 2, shift=0.3)
    taken = np.random.default_rng(4).random((5, n1)) < 0.7
    taken[0] = True
    expected = [method.distance(first[rows], second) for rows in taken]
    np.testing.assert_allclose(method.without(first, second, taken), expected, rtol=1e-6)


@pytest.mark.parametrize("method", [frechet, kernel])
def test_a_part_of_one_image_has_no_distance(method):
    taken = np.array([[True, False], [True, True]])
    assert np.isnan(method.without(features(2, 5, 1), features(9, 5, 2), taken)).tolist() == [True, False]


def test_the_kernel_distance_of_points_on_a_line_is_what_it_is_on_paper():
    # k(0, 0) = 1, k(1, 1) = 2^3, k(0, 1) = 1, k(2, 2) = 5^3, k(1, 2) = 3^3
    assert kernel.distance(np.array([[0.0], [0.0]]), np.array([[1.0], [1.0]])) == pytest.approx(1 + 8 - 2)
    assert kernel.distance(np.array([[0.0], [0.0]]), np.array([[1.0], [2.0]])) == pytest.approx(1 + 27 - 2)


def test_the_kernel_distance_is_torch_fidelitys_on_one_subset_of_all_images():
    first, second = features(30, 24, 1), features(30, 24, 2, shift=0.3)
    expected = metric_kid.kernel_mmd(first, second, kid_kernel="poly", kid_kernel_poly_degree=3, kid_kernel_poly_coef0=1)
    assert kernel.distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_the_kernel_distance_of_samples_of_one_distribution_is_zero_on_average_where_frechets_reads_high():
    pairs = [(features(12, 16, 2 * index) - 5, features(12, 16, 2 * index + 1) - 5) for index in range(300)]
    found = np.array([kernel.distance(*pair) for pair in pairs])
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found))
    apart = np.array([frechet.distance(*pair) for pair in pairs])
    assert apart.mean() > 20 * apart.std() / np.sqrt(len(apart))


def test_the_inception_score_is_1_without_distinction_and_the_number_of_classes_when_all_are_sure():
    sure = 100 * np.eye(4).repeat(3, axis=0)
    assert inception_score.score(np.zeros((9, 4))) == pytest.approx(1)
    assert inception_score.score(sure) == pytest.approx(4)
    assert inception_score.score(sure[:6]) == pytest.approx(2)


def test_the_inception_score_is_the_exponent_of_the_mean_divergence_also_of_a_part():
    logits = np.random.default_rng(0).normal(0, 2, (20, 6))
    taken = np.random.default_rng(1).random((2, 20)) < 0.7
    for rows, found in zip(taken, inception_score.without(logits, taken), strict=True):
        p = np.exp(logits[rows]) / np.exp(logits[rows]).sum(axis=1, keepdims=True)
        expected = np.exp((p * (np.log(p) - np.log(p.mean(axis=0)))).sum(axis=1).mean())
        assert found == pytest.approx(expected, rel=1e-12)
