"""Pairs of images of a class: known answers of MS-SSIM and of the pairing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as multiscale

from synthtrace.fidelity import similarity
from synthtrace.fidelity.cells import Images, variety

PATCHES = Path(__file__).parents[2].parent / "shared" / "data" / "pcam_96_subset"


def noise(count: int, side: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, side, side), dtype=np.uint8)


def images(pixels: np.ndarray, labels: np.ndarray, names: np.ndarray | None = None) -> Images:
    named = np.arange(len(labels)).astype(str) if names is None else names
    return Images(labels, named, pixels, {("fd_x", "kd_x"): np.zeros((len(labels), 2))}, None)


@pytest.mark.parametrize(
    ("side", "scales"), [(8, 0), (11, 1), (22, 2), (32, 2), (43, 2), (44, 3), (96, 3), (99, 4), (176, 5), (512, 5)]
)
def test_as_many_scales_as_torchmetrics_takes(side, scales):
    assert similarity.scales(side) == scales
    pair = (torch.rand(1, 1, side, side), torch.rand(1, 1, side, side))
    for count in range(1, scales + 1):
        multiscale(*pair, betas=similarity.WEIGHTS[:count], kernel_size=similarity.WINDOW, data_range=1.0)


def test_the_whole_measure_is_torchmetrics_own_where_all_scales_fit():
    first, second = (torch.from_numpy(noise(3, 192, seed)) for seed in (0, 1))
    blend = ((first.float() + 3 * second.float()) / 4).round().to(torch.uint8)
    expected = multiscale(second.float(), blend.float(), data_range=255.0, reduction="none", normalize="relu")
    # the five published weights add up to 1.0002
    torch.testing.assert_close(similarity.ms_ssim(second, blend), expected, atol=1e-3, rtol=1e-3)


def test_equal_images_are_wholly_alike_and_noise_is_not():
    one = torch.from_numpy(noise(4))
    torch.testing.assert_close(similarity.ms_ssim(one, one), torch.ones(4))
    assert similarity.ms_ssim(one, torch.from_numpy(noise(4, seed=1))).max() < 0.3
    assert similarity.ms_ssim(one, 255 - one).max() == 0


def test_pairs_are_disjoint_of_one_class_and_of_two_patients():
    labels = np.repeat([0, 1, 2], [21, 30, 1])
    names = np.array([f"p{n // 3}" for n in range(len(labels))])
    couples = similarity.pairs(labels, names, 8, np.random.default_rng(0))
    assert len(set(couples.ravel())) == couples.size
    assert (labels[couples[:, 0]] == labels[couples[:, 1]]).all()
    assert (names[couples[:, 0]] != names[couples[:, 1]]).all()
    assert np.bincount(labels[couples[:, 0]]).tolist() == [8, 8]
    again = similarity.pairs(labels, names, 8, np.random.default_rng(0))
    np.testing.assert_array_equal(couples, again)


def test_a_generator_that_repeats_an_image_a_class_is_not_varied_and_classes_are_not_compared():
    first, second = noise(1), noise(1, seed=1)
    labels = np.repeat([0, 1], 10)
    collapsed = images(np.concatenate([np.repeat(first, 10, axis=0), np.repeat(second, 10, axis=0)]), labels)
    found = variety(collapsed, 100, None, np.random.default_rng(0))[similarity.MS_SSIM]
    assert found.value == pytest.approx(1, abs=1e-5)
    assert found.interval() == pytest.approx([1, 1], abs=1e-5)
    varied = variety(images(noise(20), labels), 100, None, np.random.default_rng(0))[similarity.MS_SSIM]
    assert varied.value < 0.3
    assert varied.interval()[0] < varied.value < varied.interval()[1]


def test_where_there_is_no_pair_or_no_room_there_is_no_value():
    alone = images(noise(2), np.array([0, 1]))
    same = images(noise(4), np.zeros(4, dtype=int), np.array(["p"] * 4))
    tiny = images(noise(20, side=8), np.zeros(20, dtype=int))
    for one in (alone, same, tiny):
        found = variety(one, 100, None, np.random.default_rng(0))[similarity.MS_SSIM]
        assert (found.value, found.deviation) == (None, None)


def test_lpips_is_asked_about_the_same_pairs_in_its_own_range():
    class Asked(torch.nn.Module):
        def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            assert -1 <= first.min() < -0.9
            assert 0.9 < first.max() <= 1
            return (first - second).abs().mean(dim=(1, 2, 3))

    one = images(noise(20), np.repeat([0, 1], 10))
    couples = similarity.pairs(one.labels, one.names, 100, np.random.default_rng(0))
    expected = np.abs(one.pixels[couples[:, 0]] / 127.5 - one.pixels[couples[:, 1]] / 127.5).mean()
    found = variety(one, 100, Asked(), np.random.default_rng(0))
    assert list(found) == ["ms_ssim", "lpips"]
    assert found["lpips"].value == pytest.approx(expected, rel=1e-5)


@pytest.mark.skipif(not PATCHES.is_dir(), reason="the real histology set is not at hand")
def test_real_patches_are_more_varied_than_light_alterations_of_one_of_them():
    paths = [PATCHES / name for name in pd.read_csv(PATCHES / "manifest.csv")["file"][:40]]
    real = np.stack([np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1) for path in paths])
    light = np.clip(real[:1].astype(int) + np.random.default_rng(0).integers(-8, 9, (40, *real.shape[1:])), 0, 255)
    labels = np.zeros(40, dtype=int)
    apart, alike = (
        variety(images(pixels, labels), 20, None, np.random.default_rng(0))[similarity.MS_SSIM]
        for pixels in (real, light.astype(np.uint8))
    )
    assert apart.interval()[1] < alike.interval()[0]
