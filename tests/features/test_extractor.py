"""The in-domain extractor, what it is blind to, its card and its cache."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from synthtrace import backbones, cards, compute
from synthtrace.errors import InputError
from synthtrace.features import cache, extractor
from synthtrace.features.augment import alter
from synthtrace.params import Features
from synthtrace.seeds import Seeds

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def study(count: int = 20) -> tuple[np.ndarray, pd.DataFrame]:
    images = np.random.default_rng(0).integers(0, 256, (count, 1, 32, 32), dtype=np.uint8)
    numbers = range(count)
    manifest = pd.DataFrame(
        {
            "image_id": [f"i{n}" for n in numbers],
            "patient_id": [f"p{n // 2}" for n in numbers],
            "label": [n // 2 % 2 for n in numbers],
        }
    )
    return images, manifest


def trained(folder: Path, steps: int = 2) -> extractor.Extractor:
    images, manifest = study()
    features = Features(backbone="mobilenetv3_small_050", steps=steps, batch_size=8, learning_rate=1e-3, weight_decay=0.05)
    extractor.train(folder, images, manifest, fold=1, classes=2, features=features, seeds=Seeds(4), device=CPU)
    return extractor.load(folder, CPU)


def test_the_card_says_what_the_loop_drew_and_not_what_it_was_given(tmp_path: Path):
    trained(tmp_path, steps=2)
    card = cards.read_card(tmp_path)
    assert len(card["image_ids"]) == 16, "two batches of 8 out of 20"
    assert card["patient_ids"] == sorted({f"p{int(name[1:]) // 2}" for name in card["image_ids"]})
    assert (card["kind"], card["fold"], card["steps"], len(card["losses"])) == ("extractor", 1, 2, 2)
    assert set(card["weights"]) == {"model.safetensors"}


def test_training_twice_gives_the_same_bytes(tmp_path: Path):
    trained(tmp_path / "a")
    trained(tmp_path / "b")
    for name in ("config.json", "model.safetensors", "card.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_fold_without_training_images_is_an_error(tmp_path: Path):
    images, manifest = study()
    features = Features(backbone="resnet10t", steps=1, batch_size=8, learning_rate=1e-3, weight_decay=0.05)
    with pytest.raises(InputError, match="fold 3: expected images with role 'train', found none"):
        extractor.train(
            tmp_path, images[:0], manifest.iloc[:0], fold=3, classes=2, features=features, seeds=Seeds(4), device=CPU
        )


def test_a_folder_that_holds_no_extractor_is_an_error(tmp_path: Path):
    with pytest.raises(InputError, match="no such card"):
        extractor.load(tmp_path, CPU)


def test_the_cache_answers_with_what_would_be_computed_and_keys_by_pixels_and_weights(tmp_path: Path, monkeypatch):
    model = trained(tmp_path / "model")
    images, _ = study()
    fresh = cache.embeddings(model, images, cache=tmp_path / "cache")
    np.testing.assert_array_equal(fresh, backbones.embed(model.model, torch.from_numpy(images)))

    def fail(*_args: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patch:
        patch.setattr(backbones, "embed", fail)
        np.testing.assert_array_equal(cache.embeddings(model, images.copy(), cache=tmp_path / "cache"), fresh)
        changed = images.copy()
        changed[0, 0, 0, 0] ^= 1
        with pytest.raises(AssertionError, match="computed again"):
            cache.embeddings(model, changed, cache=tmp_path / "cache")
        other = extractor.Extractor(model.model, "another", CPU)
        with pytest.raises(AssertionError, match="computed again"):
            cache.embeddings(other, images, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.tmp"))


def test_mirrored_embeddings_are_blind_to_mirroring(tmp_path: Path):
    model = trained(tmp_path / "model")
    images, _ = study()
    mirror = np.ascontiguousarray(images[..., ::-1])
    here, there = (cache.embeddings(model, each, mirrored=True, cache=tmp_path / "cache") for each in (images, mirror))
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-5)


def test_alterations_are_seeded_stay_in_range_and_leave_a_recognisable_image():
    ramp = torch.linspace(20, 200, 32).expand(64, 1, 32, 32).contiguous()
    altered = alter(ramp, compute.generator(2))
    assert torch.equal(altered, alter(ramp, compute.generator(2)))
    assert altered.min() >= 0
    assert altered.max() <= 255
    steepness = (altered[..., -4:].mean((1, 2, 3)) - altered[..., :4].mean((1, 2, 3))).abs()
    assert steepness.min() > 80, "a ramp stays a ramp"
    mirrored = altered[..., -1].mean((1, 2)) < altered[..., 0].mean((1, 2))
    assert 16 < int(mirrored.sum()) < 48
