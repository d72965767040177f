"""Fidelity of pools of pairs: known answers, and draws that are seeded and nested."""

import numpy as np
import pytest
import torch

from synthtrace.errors import InputError
from synthtrace.fidelity.pairs import Seen, drawn, halves_row, pool_row, untouched_share
from synthtrace.seeds import Seeds

SEEDS = Seeds(4)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def seen(count: int, shift: float = 0.0, seed: int = 0, side: int = 24) -> Seen:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, 1, side, side), dtype=np.uint8)
    names = np.array([f"p{n}" for n in range(count)])
    return Seen(pixels, names, {"fd_x": rng.normal(shift, 1, (count, 5)).astype(np.float32)})


def row(pool: Seen, training: Seen, images: int, sources: np.ndarray | None = None, seeds: Seeds = SEEDS) -> dict:
    return pool_row(pool, training, images, 3, 50, seeds, ("diff", 0), sources)


def test_the_training_images_themselves_are_at_distance_zero():
    found = row(seen(40), seen(40), 40)
    assert found["fd_x"]["mean"] == pytest.approx(0, abs=1e-9)
    assert found["fd_x"]["deviation"] is None
    assert (found["images"], found["reference"], found["available"], found["untouched"]) == (40, 40, 40, None)


def test_a_shift_in_every_feature_adds_its_square_to_the_distance():
    near, far = (row(seen(3000, shift, seed=1), seen(3000), 2000)["fd_x"] for shift in (0.0, 2.0))
    assert near["mean"] < 0.05
    assert far["mean"] == pytest.approx(5 * 2.0**2, rel=0.05)
    assert len(far["values"]) == 3
    assert far["mean"] == pytest.approx(np.mean(far["values"]))
    assert far["deviation"] == pytest.approx(np.std(far["values"], ddof=1))
    assert far["deviation"] > 0


def test_draws_are_seeded_nested_and_differ_from_each_other():
    large, small = drawn(50, 30, SEEDS, ("diff", 0), 0), drawn(50, 12, SEEDS, ("diff", 0), 0)
    np.testing.assert_array_equal(large[:12], small)
    assert len(set(large.tolist())) == 30
    others = [
        drawn(50, 30, SEEDS, ("diff", 0), 1),
        drawn(50, 30, SEEDS, ("diff", 1), 0),
        drawn(50, 30, Seeds(5), ("diff", 0), 0),
    ]
    assert all((large != other).any() for other in others)
    assert row(seen(50), seen(40, seed=1), 20) == row(seen(50), seen(40, seed=1), 20)
    assert row(seen(50), seen(40, seed=1), 20) != row(seen(50), seen(40, seed=1), 20, seeds=Seeds(5))


def test_halves_of_the_training_images_are_no_pool_of_others():
    training = seen(400)
    own = halves_row(training, 3, 50, SEEDS, ("real", 0))
    assert (own["images"], own["reference"]) == (200, 200)
    assert 0 < own["fd_x"]["mean"] < 0.3
    assert row(seen(400, 2.0, seed=1), training, 200)["fd_x"]["mean"] > 10


def test_a_collapsed_pool_is_wholly_alike_and_noise_is_not():
    pool = seen(20)
    one = Seen(np.repeat(pool.pixels[:1], 20, axis=0), pool.names, pool.features)
    assert row(one, seen(20), 10)["ms_ssim"]["mean"] == pytest.approx(1, abs=1e-5)
    assert row(pool, seen(20), 10)["ms_ssim"]["mean"] < 0.3


def test_ms_ssim_is_none_where_there_is_no_pair_or_no_room():
    pool = seen(10)
    same = Seen(pool.pixels, np.array(["p"] * 10), pool.features)
    assert row(same, seen(10), 5)["ms_ssim"] is None
    assert row(seen(10, side=8), seen(10), 5)["ms_ssim"] is None


def test_the_share_that_inpainting_left_untouched_is_counted_in_pixels_of_all_channels():
    sources = np.full((3, 3, 10, 10), 7, dtype=np.uint8)
    images = sources.copy()
    images[0, :, :5] = 9
    images[1, 1, :, :2] = 9
    assert untouched_share(images, sources).tolist() == [0.5, 0.8, 1.0]
    pool = Seen(images, np.array(["a", "b", "c"]), {"fd_x": np.random.default_rng(0).normal(size=(3, 5))})
    assert row(pool, seen(5), 2, sources)["untouched"] == pytest.approx(2.3 / 3)


def test_too_few_images_are_an_error():
    with pytest.raises(InputError, match="fidelity: expected 9 images of diff/0 to draw, found 8"):
        row(seen(8), seen(8), 9)
    with pytest.raises(InputError, match="expected two or more images of diff/0 and of its reference, found 1 and 8"):
        row(seen(8), seen(8), 1)
    with pytest.raises(InputError, match="expected two or more images of real/0 and of its reference, found 1 and 2"):
        halves_row(seen(3), 3, 5, SEEDS, ("real", 0))
