"""Antialiased resizing for Inception: what shrinks does not alias, and the network sees what was resized."""

from pathlib import Path

import numpy as np
import pytest
import torch

from synthtrace.fidelity import antialiased
from synthtrace.fidelity.inception import Inception

CPU = torch.device("cpu")


def means(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """A stand-in for the network: means of quarters."""
    assert images.shape[1:] == (3, 299, 299)
    assert images.dtype == torch.uint8
    pooled = torch.nn.functional.adaptive_avg_pool2d(images.float(), 2).flatten(1)
    return pooled, pooled


def test_a_fine_pattern_shrinks_to_its_mean_and_does_not_alias():
    stripes = np.zeros((1, 1, 1495, 1495), dtype=np.uint8)
    stripes[..., ::2] = 200
    small = antialiased.resized(stripes)[0, 0, 10:-10, 10:-10].astype(float)
    assert abs(small.mean() - 100) < 1
    assert small.std() < 2
    assert stripes[..., ::5, ::5].std() > 90  # what a resizing without antialiasing would see


def test_flat_images_stay_and_what_bicubic_overshoots_is_clipped():
    flat = np.full((2, 3, 40, 30), 77, dtype=np.uint8)
    np.testing.assert_array_equal(antialiased.resized(flat), np.full((2, 3, 299, 299), 77))
    edge = np.zeros((1, 1, 32, 32), dtype=np.uint8)
    edge[..., 16:] = 255
    grown = antialiased.resized(edge)[0, 0, 150]
    assert (grown[:100].max(), grown[-100:].min()) == (0, 255)
    assert (np.diff(grown[135:165].astype(int)) >= 0).all()


def test_features_do_not_depend_on_chunks_or_on_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    network = Inception(means, "0" * 64, CPU)
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 20, 20), dtype=np.uint8)
    whole = antialiased.look(network, images, None)
    assert whole.shape == (5, 12)
    monkeypatch.setattr(antialiased, "CHUNK", 2)
    np.testing.assert_array_equal(antialiased.look(network, images, tmp_path), whole)
    monkeypatch.setattr(network, "network", None)
    np.testing.assert_array_equal(antialiased.look(network, images, tmp_path), whole)
