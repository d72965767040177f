"""Pairs that look alike fall into one cluster; tiny clusters merge, and it is said."""

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from synthtrace.errors import InputError
from synthtrace.features.clusters import Clustering, cluster, see
from synthtrace.params.pair_selection import Clusters
from synthtrace.seeds import Seeds


def blobs(*sizes: int, seed: int = 0, width: int = 6) -> np.ndarray:
    """Points about (0, ...), (10, ...), (20, ...): as many as the sizes say, in this order."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(10 * number, 0.5, (size, width)) for number, size in enumerate(sizes)])


def clustered(points: np.ndarray, count: int, min_size: int = 1, seed: int = 3) -> Clustering:
    ids = pd.Series([f"i{n}" for n in range(len(points))])
    return cluster(points, ids, Clusters(count=count, min_size=min_size), Seeds(seed), (0,))


def test_two_obvious_blobs_are_two_clusters_the_larger_first():
    found = clustered(blobs(12, 20), 2)
    assert found.labels.tolist() == [1] * 12 + [0] * 20
    assert found.report() == {"clusters": 2, "sizes": [20, 12], "warnings": []}
    assert found.table.iloc[11].tolist() == ["i11", 1]


def test_of_one_size_the_cluster_of_the_first_image_comes_first_whatever_the_seed():
    for seed in range(6):
        assert clustered(blobs(10, 10, 10), 3, seed=seed).labels.tolist() == [0] * 10 + [1] * 10 + [2] * 10


def test_a_tiny_cluster_merges_with_the_nearest_and_it_is_said():
    found = clustered(blobs(30, 20, 2), 3, min_size=5)
    assert found.report()["sizes"] == [30, 22]
    assert found.labels[-2:].tolist() == [1, 1]
    (warning,) = found.warnings
    assert (
        warning == "a cluster of 2 (i50, i51) has fewer than clusters.min_size, 5, pairs: it is merged with the nearest, of 20"
    )


def test_tiny_clusters_that_make_a_large_one_together_are_one():
    found = clustered(np.concatenate([blobs(40), blobs(3, seed=1) + 40, blobs(3, seed=2) + 45]), 3, min_size=5)
    assert found.report()["sizes"] == [40, 6]


def test_where_all_are_tiny_one_cluster_is_left():
    found = clustered(blobs(3, 2, 2), 3, min_size=100)
    assert found.report()["sizes"] == [7]
    assert len(found.warnings) == 2


def test_empty_clusters_are_left_out_and_it_is_said():
    found = clustered(np.repeat(blobs(1, 1), 5, axis=0), 4)
    assert found.report()["sizes"] == [5, 5]
    assert found.warnings == ["2 of 4 clusters are empty"]


def test_others_are_assigned_to_the_nearest_cluster_and_its_own_pairs_stay():
    found = clustered(blobs(12, 20, 15), 3)
    assert found.assign(blobs(2, 3, 1, seed=9)).tolist() == [2, 2, 0, 0, 0, 1]
    np.testing.assert_array_equal(found.assign(blobs(12, 20, 15)), found.labels)


def test_neither_threads_nor_the_callers_randomness_change_a_byte():
    points = np.random.default_rng(0).normal(size=(600, 40)).astype(np.float32)
    with threadpool_limits(1):
        one = clustered(points, 8)
    np.random.seed(5)
    with threadpool_limits(2):
        two = clustered(points, 8)
    np.testing.assert_array_equal(one.labels, two.labels)
    assert one.centroids.tobytes() == two.centroids.tobytes()


def test_a_feature_that_never_changes_and_one_of_other_scale_say_no_more_than_others():
    points = blobs(12, 20)
    wide = np.column_stack([points, np.full(32, 7.0), 1e6 * np.random.default_rng(0).normal(size=32)])
    np.testing.assert_array_equal(clustered(wide, 2).labels, clustered(points, 2).labels)


def test_the_network_sees_masks_as_it_sees_images():
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 8, 8), dtype=np.uint8)
    masks = np.where(np.arange(8) < np.arange(1, 5)[:, None, None, None], 255, 0).astype(np.uint8) * np.ones((8, 1), np.uint8)

    def embed(seen: np.ndarray) -> np.ndarray:
        assert seen.shape == images.shape
        return seen.mean(axis=(2, 3))

    found = see(images, masks, embed)
    assert found.shape == (4, 6)
    np.testing.assert_allclose(found[:, 3:], np.repeat(255 * np.arange(1, 5)[:, None] / 8, 3, axis=1))


def test_more_clusters_than_pairs_are_an_error():
    with pytest.raises(InputError, match=r"clusters\.count: is 9, but there are 8 training pairs; expected no more"):
        clustered(blobs(4, 4), 9)
