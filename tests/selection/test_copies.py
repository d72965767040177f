"""Copies of training images are found, whatever was done to them; images of other patients are not taken for copies."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from synthtrace.errors import InputError
from synthtrace.images import file_sha256, pixel_hash, to_pixels, write_image
from synthtrace.params import load_params
from synthtrace.selection.copies import CopyFinder
from synthtrace.selection.pool import load_pool
from synthtrace.selection.select import score_candidates, select
from synthtrace.tables import LEDGER, SELECTION, write_ledger

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SETTINGS = load_params(Path(__file__).parents[2] / "params.yaml").selection
BYRA = SHARED / "byra_liver_us_full"
PCAM = SHARED / "pcam_96_subset"


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def embed(images: np.ndarray) -> np.ndarray:
    """A stand-in for the extractor: four by four means, blind to mirroring."""
    side = images.shape[-1] // 4
    means = images[..., : 4 * side, : 4 * side].reshape(len(images), -1, 4, side, 4, side).mean(axis=(3, 5))
    return ((means + means[..., ::-1]) / 2).reshape(len(images), -1).astype(np.float32)


def predict(images: np.ndarray) -> np.ndarray:
    """A stand-in for the extractor's classifier, which knows nothing."""
    return np.full((len(images), 2), 0.5)


def resized(pixels: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize((side, side), Image.Resampling.BICUBIC))


def byra(side: int, patients: range) -> tuple[np.ndarray, pd.DataFrame]:
    """Two frames a patient, cut from the middle of the sector."""
    if not BYRA.is_dir():
        pytest.skip("the real ultrasound set is not at hand")
    rows, images = [], []
    for patient in patients:
        for frame in (0, 6):
            name = f"P{patient:02d}_F{frame}"
            with Image.open(BYRA / "images" / f"P{patient:02d}" / f"{name}.png") as image:
                images.append(resized(np.asarray(image.convert("L"))[57:377, 158:478], side)[None])
            rows.append({"image_id": name, "patient_id": f"P{patient:02d}", "label": patient % 2})
    return np.stack(images), pd.DataFrame(rows)


def pcam(side: int, count: int) -> tuple[np.ndarray, pd.DataFrame]:
    if not PCAM.is_dir():
        pytest.skip("the real histology set is not at hand")
    names = sorted(pd.read_csv(PCAM / "manifest.csv")["file"])[:: 2800 // count][:count]
    images = []
    for name in names:
        with Image.open(PCAM / name) as image:
            images.append(resized(np.asarray(image.convert("RGB")), side).transpose(2, 0, 1))
    return np.stack(images), pd.DataFrame({"image_id": names, "patient_id": names, "label": 0})


def disguised(images: np.ndarray, how: str) -> np.ndarray:
    """Images as somebody would slip them into a pool."""
    rng = np.random.default_rng(7)
    result = images.astype(float)
    side = images.shape[-1]
    if how == "mirrored":
        result = result[..., ::-1]
    elif how == "upside down":
        result = result[..., ::-1, :]
    elif how == "shifted":
        result = np.roll(result, (side // 16, -(side // 16)), axis=(2, 3))
    elif how == "cropped":
        edge = side // 16
        cut = images[:, :, edge : side - edge + 1, : side - 2 * edge + 1]
        result = np.stack([[resized(channel, side) for channel in image] for image in cut]).astype(float)
    elif how == "brightened":
        result = result * 1.12 + 10
    elif how == "noised":
        result = result + rng.normal(0, 4, result.shape)
    elif how == "mirrored, darkened, noised":
        result = result[..., ::-1] * 0.9 - 5 + rng.normal(0, 4, result.shape)
    return np.clip(np.round(result), 0, 255).astype(np.uint8)


HOW = ["as it is", "mirrored", "upside down", "shifted", "cropped", "brightened", "noised", "mirrored, darkened, noised"]


@pytest.mark.parametrize("side", [32, 96])
def test_disguised_ultrasound_is_caught_and_other_patients_are_not(side: int):
    training, manifest = byra(side, range(0, 30))
    others, _ = byra(side, range(30, 45))
    finder = CopyFinder(training, manifest, embed, 0.5)
    for how in HOW:
        found = finder.find(disguised(training[::6], how))
        assert found["copy"].all(), how
        patients = [name.split("_")[0] for name in found["nearest_real_id"]]
        assert patients == manifest["patient_id"].iloc[::6].tolist(), how
    assert not finder.find(others)["copy"].any()


def test_colour_images_without_frames_are_judged_by_altered_views():
    images, manifest = pcam(32, 120)
    finder = CopyFinder(images[:60], manifest[:60], embed, 0.5)
    assert finder.report()["pixels"]["frames"]["count"] == 0
    assert finder.find(images[60:])["copy"].mean() <= 0.02
    for how in ("as it is", "mirrored", "noised"):
        assert finder.find(disguised(images[:20], how))["copy"].mean() >= 0.95, how


def textures(count: int, seed: int = 0, side: int = 32) -> np.ndarray:
    """Smooth random images, each a patient of its own."""
    small = np.random.default_rng(seed).integers(20, 236, (count, 8, 8), dtype=np.uint8)
    return np.stack([resized(image, side)[None] for image in small])


def rows(count: int, frames: int = 1) -> pd.DataFrame:
    patients = [n // frames for n in range(count)]
    names = {"image_id": [f"i{n}" for n in range(count)], "patient_id": [f"p{patient}" for patient in patients]}
    return pd.DataFrame(names | {"label": [patient % 2 for patient in patients]})


def test_a_copy_as_it_is_has_distance_zero_and_names_its_original():
    images = textures(12)
    found = CopyFinder(images, rows(12), embed, 0.5).find(images[3:6])
    assert found["nearest_real_id"].tolist() == ["i3", "i4", "i5"]
    np.testing.assert_allclose(found["nearest_real_distance"], 0, atol=1e-5)
    np.testing.assert_allclose(found["embedding_distance"], 0, atol=1e-5)


def test_an_identical_image_is_a_copy_even_where_nothing_can_be_correlated():
    images = textures(12)
    images[4] = 0
    assert CopyFinder(images, rows(12), embed, 0.5).find(images[4:5])["copy"].all()


def test_a_greater_copy_quantile_never_lowers_the_threshold():
    images = textures(16)
    images[1::2] = disguised(images[::2], "noised") // 2 + textures(8, seed=9) // 2
    thresholds = [CopyFinder(images, rows(16, frames=2), embed, q).pixels.threshold for q in (0.0, 0.5, 1.0)]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] < thresholds[2]


def test_the_same_images_give_the_same_answer_and_missing_patient_ids_are_nobodys():
    images, manifest = textures(12), rows(12)
    manifest["patient_id"] = pd.array([None] * 12, dtype="string")
    first = CopyFinder(images, manifest, embed, 0.5)
    assert first.report() == CopyFinder(images, rows(12), embed, 0.5).report()
    assert first.pixels.frames.size == 0
    assert first.pixels.others.size == 12


def pool(folder: Path, images: np.ndarray) -> None:
    (folder / "images").mkdir(parents=True)
    ledger = []
    for number, image in enumerate(images):
        path = f"images/c{number}.png"
        write_image(folder / path, to_pixels(image))
        row = dict.fromkeys(LEDGER, 0) | {"image_id": f"c{number}", "path": path, "label": number % 2}
        ledger.append(row | {"pixel_hash": pixel_hash(to_pixels(image)), "file_sha256": file_sha256(folder / path)})
    write_ledger(folder, pd.DataFrame(ledger))


def test_select_keeps_what_is_no_copy_in_the_ledgers_order(tmp_path: Path):
    training = textures(12)
    fresh = textures(4, seed=5)
    pool(tmp_path, np.concatenate([fresh[:2], disguised(training[:2], "mirrored"), fresh[2:]]))
    ledger, candidates = load_pool(tmp_path, 1)
    scored, report = score_candidates(candidates, ledger, training, rows(12), embed, predict, SETTINGS, torch.device("cpu"))
    table = select(scored, SETTINGS)
    assert table["image_id"].tolist() == [f"c{n}" for n in range(6)]
    assert table["kept"].tolist() == [True, True, False, False, True, True]
    assert (table["kept"] != table["copy"]).all()
    assert set(SELECTION) <= set(table.columns)
    assert (report["candidates"], report["copies"], report["copied_training_images"]) == (6, 2, 2)


def test_a_pool_of_copies_alone_is_a_result_and_no_error():
    training = textures(12)
    ledger = pd.DataFrame({"image_id": ["a", "b"], "label": [0, 1]})
    table, _ = score_candidates(training[:2], ledger, training, rows(12), embed, predict, SETTINGS, torch.device("cpu"))
    assert not select(table, SETTINGS)["kept"].any()


def test_a_pool_whose_pixels_are_not_the_ledgers_is_an_error_naming_the_file(tmp_path: Path):
    pool(tmp_path, textures(3))
    write_image(tmp_path / "images/c1.png", to_pixels(textures(1, seed=8)[0]))
    with pytest.raises(InputError, match=r"c1\.png: expected the pixels .* of ledger\.parquet"):
        load_pool(tmp_path, 1)
