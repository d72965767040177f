"""Batches: what a step draws is a function of the step."""

import numpy as np
import torch

from synthtrace.generators.batches import CropBatches, TrainingImages, balanced_order, epoch_order, shrink_map
from synthtrace.preprocess.random_crop import random_box, resized
from synthtrace.seeds import Seeds


def batches(source: TrainingImages, seed: int = 1) -> CropBatches:
    return CropBatches(source, size=16, crop_scale=0.5, batch_size=5, steps=4, seeds=Seeds(seed), names=("t",))


def test_a_batch_depends_on_its_step_alone(source: TrainingImages) -> None:
    in_order = list(batches(source))
    assert torch.equal(batches(source).batch(3).images, in_order[3].images)
    assert batches(source).batch(3).image_ids == in_order[3].image_ids
    assert not torch.equal(batches(source, seed=2).batch(3).images, in_order[3].images)


def test_an_epoch_draws_every_image_once() -> None:
    order = epoch_order(Seeds(0), ("t",), 7, 0, 21)
    assert all(sorted(order[start : start + 7]) == list(range(7)) for start in (0, 7, 14))
    assert list(order[:7]) != list(order[7:14])


def test_balanced_classes_are_drawn_equally_often_and_each_runs_through_its_images() -> None:
    labels = np.array([1] * 9 + [0] * 3)
    order = balanced_order(Seeds(0), ("t",), labels, 0, 36)
    assert np.bincount(labels[order]).tolist() == [18, 18]
    common, rare = order[labels[order] == 1], order[labels[order] == 0]
    assert sorted(common[:9]) == sorted(common[9:]) == list(range(9))
    assert all(sorted(rare[start : start + 3]) == [9, 10, 11] for start in range(0, 18, 3))


def test_a_balanced_batch_depends_on_its_step_alone(source: TrainingImages) -> None:
    uneven = TrainingImages(source.images, source.maps, np.array([0, 0] + [1] * 10), source.image_ids)
    steps = CropBatches(uneven, size=16, crop_scale=0.5, batch_size=5, steps=6, seeds=Seeds(1), names=("t",), balanced=True)
    in_order = list(steps)
    assert steps.batch(4).image_ids == in_order[4].image_ids
    assert torch.cat([batch.labels for batch in in_order]).float().mean() == 0.5


def test_images_lie_in_minus_one_to_one_and_maps_at_half_their_side(source: TrainingImages) -> None:
    batch = batches(source).batch(0)
    assert batch.images.shape == (5, 1, 16, 16)
    assert batch.images.min() >= -1
    assert batch.images.max() <= 1
    assert batch.maps is not None
    assert batch.maps.shape == (5, 8, 8)


def test_the_same_image_is_cropped_afresh_each_time(source: TrainingImages) -> None:
    one = TrainingImages(source.images[:1], None, source.labels[:1], source.image_ids[:1])
    crops = batches(one).batch(0).images
    assert not torch.equal(crops[0], crops[1])


def test_a_map_is_cut_by_its_images_own_crop() -> None:
    """Bright left half, dark right half: after any crop the map still says which is which."""
    pixels = np.zeros((1, 1, 40, 40), dtype=np.uint8)
    pixels[..., :20] = 250
    maps = (pixels[:, 0] > 100).astype(np.uint8)
    one = TrainingImages(pixels, maps, np.array([0]), ["a"])
    batch = batches(one).batch(2)
    assert batch.maps is not None
    for image, classes in zip(batch.images, batch.maps, strict=True):
        middle = torch.nn.functional.interpolate(image[None], size=(8, 8), mode="area")[0, 0]
        clear = middle.abs() > 0.9
        assert clear.float().mean() > 0.5
        assert torch.equal(middle[clear] > 0, classes[clear] == 1)


def test_boxes_keep_the_least_area_and_stay_inside() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        left, top, right, bottom = random_box(rng, 60, 80, 0.64)
        assert 0 <= left < right <= 80
        assert 0 <= top < bottom <= 60
        assert (right - left) * (bottom - top) > 0.57 * 60 * 80  # a side that would leave the image is cut


def test_resizing_is_antialiased() -> None:
    checkerboard = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.abs(resized(checkerboard, 16).astype(int)[1:-1, 1:-1] - 127).max() <= 2


def test_shrinking_keeps_regions_and_averages_speckle_out() -> None:
    classes = np.repeat(np.repeat(np.array([[0, 4], [2, 4]], dtype=np.uint8), 10, axis=0), 10, axis=1)
    expected = np.repeat(np.repeat(np.array([[0, 4], [2, 4]]), 2, axis=0), 2, axis=1)
    assert np.array_equal(shrink_map(classes, 4), expected)
    classes[0:10:2, 1:10:2] = 1  # speckle in the darkest region
    assert np.array_equal(shrink_map(classes, 4), expected)
