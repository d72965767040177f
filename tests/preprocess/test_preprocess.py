"""From a scan to crops and maps."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from skimage.filters import threshold_multiotsu

from synthtrace.images import read_image, write_image
from synthtrace.params import Preprocess
from synthtrace.preprocess.crops import centre_crop, fixed_crop, native_crop, write_crops
from synthtrace.preprocess.maps import brightness_map, histogram_bins
from synthtrace.preprocess.region import region_of_interest

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def framed(channels: int = 1) -> tuple[np.ndarray, tuple[slice, slice]]:
    """A bright disc on black with two burnt-in marks; and the disc's bounding box."""
    rows, columns = np.mgrid[:120, :160]
    disc = (rows - 60) ** 2 + (columns - 80) ** 2 <= 40**2
    pixels = np.where(disc, np.random.default_rng(0).integers(40, 200, (120, 160)), 0).astype(np.uint8)
    pixels[5:10, 3:30] = 255
    pixels[20:110, 150:155] = 200
    box = slice(20, 101), slice(40, 121)
    return (pixels if channels == 1 else np.stack([pixels, pixels // 2, pixels * 0], axis=2)), box


@pytest.mark.parametrize("channels", [1, 3])
def test_annotations_are_cropped_away(channels: int) -> None:
    pixels, box = framed(channels)
    assert np.array_equal(region_of_interest(pixels), pixels[box])


def test_annotations_inside_the_box_become_black() -> None:
    pixels, box = framed()
    marked = pixels.copy()
    marked[22:24, 42:46] = 255
    assert np.array_equal(region_of_interest(marked), pixels[box])


def test_dark_pixels_inside_the_region_are_kept() -> None:
    pixels, box = framed()
    pixels[55:65, 75:85] = 3
    assert np.array_equal(region_of_interest(pixels), pixels[box])


def test_jpeg_noise_around_black_is_background(tmp_path: Path) -> None:
    pixels, _ = framed()
    Image.fromarray(pixels).save(tmp_path / "x.jpg", quality=75)
    region = region_of_interest(read_image(tmp_path / "x.jpg", 1))
    assert abs(region.shape[0] - 81) <= 16
    assert abs(region.shape[1] - 81) <= 16


@pytest.mark.parametrize("pixels", [np.full((20, 30), 90, np.uint8), np.zeros((20, 30), np.uint8)], ids=["bright", "black"])
def test_an_image_without_surround_is_all_region(pixels: np.ndarray) -> None:
    assert np.array_equal(region_of_interest(pixels), pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_whole_image_is_cropped_around_its_centre_and_no_pixel_of_it_is_changed(channels: int) -> None:
    pixels = framed(channels)[0]
    pixels[52:60, 70:80] = 0
    assert np.array_equal(native_crop(pixels, 64, "whole"), pixels[28:92, 48:112])
    assert not np.array_equal(native_crop(pixels, 100, "whole"), native_crop(pixels, 100, "sector"))


def test_the_centre_crop_keeps_native_spacing() -> None:
    pixels = np.arange(100 * 80, dtype=np.uint16).reshape(100, 80).astype(np.uint8)
    assert np.array_equal(centre_crop(pixels, 60), pixels[20:80, 10:70])


def test_a_small_region_is_padded_evenly() -> None:
    pixels = np.full((10, 100, 3), 7, np.uint8)
    crop = centre_crop(pixels, 20)
    assert crop.shape == (20, 20, 3)
    assert (crop[5:15] == 7).all()
    assert crop.sum() == 7 * 10 * 20 * 3


def test_the_fixed_crop_is_the_whole_native_crop_without_aliasing() -> None:
    native = np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)
    reference = torch.nn.functional.interpolate(
        torch.tensor(native, dtype=torch.float32)[None, None], 16, mode="bilinear", antialias=True
    )
    assert np.abs(fixed_crop(native, 16) - reference[0, 0].numpy()).max() <= 1  # rounded once a direction
    stripes = np.tile(np.array([0, 200], np.uint8), (64, 32))  # the finest pattern there is averages out
    assert np.abs(fixed_crop(stripes, 16)[:, 1:-1].astype(int) - 100).max() <= 1
    assert np.array_equal(fixed_crop(native, 64), native)


def test_the_map_separates_brightness_classes() -> None:
    levels = np.array([20, 70, 120, 170, 230])
    truth = np.random.default_rng(2).integers(0, 5, (64, 64))
    noise = np.random.default_rng(3).integers(-8, 9, (64, 64))
    assert np.array_equal(brightness_map((levels[truth] + noise).astype(np.uint8), 5), truth)


@pytest.mark.parametrize("classes", [2, 3])
def test_thresholds_are_those_of_multi_otsu(classes: int) -> None:
    pixels = np.random.default_rng(4).normal(120, 40, (80, 80)).clip(0, 255).astype(np.uint8)
    assert histogram_bins(classes) == 256  # one bin a grey level: the search is exact
    between = threshold_multiotsu(pixels, classes=classes)
    assert np.array_equal(brightness_map(pixels, classes), np.digitize(pixels, between, right=True))


@pytest.mark.parametrize("classes", range(2, 9))
def test_every_number_of_classes_can_be_asked_for(classes: int) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (64, 64), dtype=np.uint8)
    assert np.unique(brightness_map(pixels, classes)).tolist() == list(range(classes))


@pytest.mark.parametrize("levels", [1, 2, 4, 5])
def test_an_image_with_few_grey_levels_has_a_class_each(levels: int) -> None:
    values = np.linspace(0, 255, levels).astype(np.uint8)
    truth = np.random.default_rng(6).integers(0, levels, (32, 32))
    assert np.array_equal(brightness_map(values[truth], 5), truth)


def test_a_colour_image_is_mapped_by_its_luminance() -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.array_equal(brightness_map(pixels, 5), brightness_map(np.asarray(Image.fromarray(pixels).convert("L")), 5))


@pytest.mark.parametrize("channels", [1, 3])
def test_crops_of_scans_are_written_with_their_manifest(tmp_path: Path, channels: int) -> None:
    scans = tmp_path / "scans"
    (scans / "images").mkdir(parents=True)
    write_image(scans / "images" / "a.png", framed()[0])
    row = {"image_id": "a", "pixel_hash": "h", "path": "images/a.png", "patient_id": "1", "label": 0, "label_name": "healthy"}
    manifest = pd.DataFrame([{**row, "frame": 0, "source": "s", "mask_path": "masks/a.png", "hi": 1.5}])
    settings = Preprocess(region="sector", crop_size=64, image_size=16, channels=channels)
    crops = write_crops(scans, manifest, tmp_path / "crops", settings, 5, lambda items, _: items)
    colour = () if channels == 1 else (3,)
    assert read_image(tmp_path / "crops" / crops["path"][0]).shape == (16, 16, *colour)
    assert read_image(tmp_path / "crops" / crops["native_path"][0]).shape == (64, 64, *colour)
    assert read_image(tmp_path / "crops" / crops["map_path"][0]).shape == (64, 64)
    assert crops["scan_pixel_hash"][0] == "h"
    assert crops["hi"][0] == 1.5
    assert "mask_path" not in crops


def test_real_frames_lose_their_annotations_and_nothing_else() -> None:
    folder = SHARED / "byra_liver_us_full"
    if not folder.is_dir():
        pytest.skip("the real liver frames are not beside this repository")
    for patient in ("P00", "P20", "P36", "P52"):  # P20 and P36 are the darkest
        pixels = read_image(folder / "images" / patient / f"{patient}_F3.png", 1)
        region = region_of_interest(pixels)
        assert abs(region.shape[0] - 358) <= 2  # the sector spans rows 9 to 366 and columns 32 to 603
        assert abs(region.shape[1] - 572) <= 2
        assert (region > 0).sum() > 118_000
        native = native_crop(pixels, 320, "sector")
        assert native.shape == (320, 320)
        assert len(np.unique(brightness_map(native, 5))) == 5
