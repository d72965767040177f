"""Backbones: how they are made, fed, trained and asked."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from synthtrace import backbones, compute
from synthtrace.errors import InputError
from synthtrace.seeds import Seeds

CPU = torch.device("cpu")
BACKBONE = "mobilenetv3_small_050"


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def made(seed: int = 0, channels: int = 1, weights: str | None = None) -> torch.nn.Module:
    compute.seed_everything(seed)
    return backbones.create(BACKBONE, 2, channels, weights)


def toy_images(count: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    """Bright images are of class 1."""
    labels = torch.arange(count) % 2
    noise = torch.randint(0, 60, (count, 1, 32, 32), generator=compute.generator(1))
    return (noise + 150 * labels[:, None, None, None]).to(torch.uint8), labels


def fitted(
    seeds: Seeds, steps: int = 6, augment: backbones.Augment | None = None, schedule: backbones.Schedule = "cosine"
) -> tuple[torch.nn.Module, backbones.Fitted]:
    model = made()
    images, labels = toy_images()
    result = backbones.fit(
        model,
        backbones.altered(model, images, augment),
        labels,
        steps=steps,
        batch_size=8,
        optimizer="adamw",
        schedule=schedule,
        learning_rate=1e-3,
        weight_decay=0.01,
        seeds=seeds,
        names=("toy", 0),
        device=CPU,
    )
    return model, result


def test_an_unknown_backbone_is_an_error_naming_the_parameter_and_the_nearest_name():
    with pytest.raises(InputError, match=r"features\.backbone: timm has no model 'resnet10x'; the nearest name is 'resnet10"):
        backbones.create("resnet10x", 2, 1, parameter="features.backbone")


def test_a_missing_weights_file_is_an_error_naming_the_parameter():
    with pytest.raises(InputError, match=r"classifier\.weights: '/nowhere/x\.pth'.*no such file"):
        made(weights="/nowhere/x.pth")


def test_imagenet_weights_out_of_reach_are_an_error_naming_the_parameter(monkeypatch):
    def unreachable(*_args, **_kwargs):
        raise OSError("the hub cannot be reached")

    monkeypatch.setattr("timm.create_model", unreachable)
    with pytest.raises(InputError, match=r"classifier\.weights: 'imagenet'.*hub cannot be reached"):
        made(weights="imagenet")


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_local_weights_file_is_loaded_whatever_its_head(tmp_path: Path, suffix: str, channels: int):
    compute.seed_everything(5)
    state = backbones.create(BACKBONE, 7, 3).state_dict()
    path = tmp_path / f"weights.{suffix}"
    if suffix == "pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    model = made(channels=channels, weights=str(path))
    loaded = model.state_dict()
    assert torch.equal(loaded["blocks.1.0.conv_pw.weight"], state["blocks.1.0.conv_pw.weight"])
    assert loaded["conv_stem.weight"].shape[1] == channels
    assert backbones.predict(model, torch.zeros(2, channels, 32, 32, dtype=torch.uint8)).shape == (2, 2)


def test_weights_of_another_architecture_or_no_weights_at_all_are_refused(tmp_path: Path):
    other = tmp_path / "other.safetensors"
    save_file({"layer.weight": torch.zeros(3)}, other)
    with pytest.raises(InputError, match=rf"expected weights of {BACKBONE}, found none for"):
        made(weights=str(other))
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"no weights")
    with pytest.raises(InputError, match="not a readable weights file"):
        made(weights=str(broken))


def test_random_weights_take_half_as_mean_and_deviation_and_pretrained_ones_their_own(tmp_path: Path):
    images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)
    model = made()
    assert backbones.normalise(model, images).flatten().tolist() == [-1.0, 1.0]
    path = tmp_path / "weights.safetensors"
    save_file(backbones.create(BACKBONE, 2, 3).state_dict(), path)
    own = model.pretrained_cfg
    colour = backbones.normalise(made(channels=3, weights=str(path)), torch.zeros(1, 3, 1, 1, dtype=torch.uint8))
    expected = [-mean / std for mean, std in zip(own["mean"], own["std"], strict=True)]
    np.testing.assert_allclose(colour.flatten(), expected, rtol=1e-6)
    grey = backbones.normalise(made(channels=1, weights=str(path)), images)
    np.testing.assert_allclose(grey[0].item(), -np.mean(own["mean"]) / np.mean(own["std"]), rtol=1e-6)


def test_training_learns_and_the_rate_falls_along_a_cosine():
    model, result = fitted(Seeds(3), steps=40)
    assert np.mean(result["losses"][-5:]) < 0.5 * np.mean(result["losses"][:5])
    assert result["learning_rates"][0] == 1e-3
    assert result["learning_rates"][20] == pytest.approx(5e-4)
    images, labels = toy_images()
    assert model.training
    backbones.predict(model, images)
    assert not model.training
    assert len(labels) == len(images)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, second, other = (fitted(Seeds(seed))[0].state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_what_was_seen_is_what_the_batches_held():
    assert len(fitted(Seeds(1), steps=1)[1]["seen"]) == 8
    assert len(fitted(Seeds(1), steps=2)[1]["seen"]) == 16
    assert fitted(Seeds(1), steps=3)[1]["seen"] == set(range(24)), "one shuffle of 24 images is three batches of 8"


def test_augmentation_gets_float_grey_levels_and_its_own_seeded_noise():
    draws: list[float] = []

    def augment(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        assert batch.dtype == torch.float32
        assert batch.max() > 100
        draws.append(float(torch.rand(1, generator=generator)))
        return batch

    fitted(Seeds(1), steps=2, augment=augment)
    fitted(Seeds(1), steps=2, augment=augment)
    assert draws[:2] == draws[2:]
    assert draws[0] != draws[1]


def test_a_loss_that_is_not_finite_ends_training_with_an_error():
    def spoil(batch: torch.Tensor, _generator: torch.Generator) -> torch.Tensor:
        return batch * float("inf")

    with pytest.raises(InputError, match="toy 0: the loss is nan at step 0"):
        fitted(Seeds(1), augment=spoil)


def test_probabilities_are_double_and_sum_to_one_whatever_the_batch_size():
    model = made()
    images, _ = toy_images()
    probabilities = backbones.predict(model, images)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(probabilities, backbones.predict(model, images, batch_size=5), atol=1e-5)


def test_embeddings_are_the_features_below_the_head():
    model = made()
    images, _ = toy_images()
    features = backbones.embed(model, images)
    assert features.dtype == np.float32
    logits = model.get_classifier()(torch.from_numpy(features))
    np.testing.assert_allclose(logits.softmax(1).detach().numpy(), backbones.predict(model, images), atol=1e-5)


def test_a_colour_model_is_standardised_a_channel_and_read_back_with_it(tmp_path: Path):
    images = np.zeros((2, 3, 32, 32), dtype=np.uint8)
    images[:, 1], images[:, 2, :16] = 51, 255
    model = made(channels=3)
    backbones.standardise(model, images)
    backbones.save(tmp_path, model, BACKBONE, 2, 3)
    mean = backbones.load(tmp_path, torch.device("cpu")).get_buffer("image_mean").flatten()
    torch.testing.assert_close(mean, torch.tensor([0, 0.2, 0.5]))


def test_a_constant_rate_stays():
    assert fitted(Seeds(1), steps=3, schedule="constant")[1]["learning_rates"] == [1e-3] * 3


class Slope(torch.nn.Module):
    """Logits 0 and w x of a number x, without more weights than w."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.zeros_like(numbers), self.weight * numbers], dim=1)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_sgd_is_momentum_of_nine_tenths_and_weight_decay_as_reckoned_by_hand(schedule: backbones.Schedule):
    """One number, 2, of class 1: the gradient of the loss is -2 sigmoid(-2 w)."""
    model = Slope()
    result = backbones.fit(
        model,
        lambda index, _: torch.full((len(index),), 2.0),
        torch.tensor([1]),
        steps=4,
        batch_size=1,
        optimizer="sgd",
        schedule=schedule,
        learning_rate=0.1,
        weight_decay=0.3,
        seeds=Seeds(0),
        names=("slope",),
        device=CPU,
    )
    weight, velocity = 0.5, 0.0
    for step in range(4):
        velocity = 0.9 * velocity - 2 / (1 + np.exp(2 * weight)) + 0.3 * weight
        weight -= 0.1 * velocity * (1 if schedule == "constant" else (1 + np.cos(np.pi * step / 4)) / 2)
    assert model.weight.item() == pytest.approx(weight, rel=1e-5)
    assert result["losses"][0] == pytest.approx(np.log1p(np.exp(-1)), rel=1e-5)


def test_a_vision_transformer_takes_images_of_the_study_s_size_and_is_read_back_as_it_was(tmp_path: Path):
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8, generator=compute.generator(0))
    compute.seed_everything(0)
    model = backbones.create("test_vit", 2, 3, side=32)
    probabilities = backbones.predict(model, images)
    backbones.save(tmp_path, model, "test_vit", 2, 3)
    np.testing.assert_array_equal(backbones.predict(backbones.load(tmp_path, CPU), images), probabilities)
    assert backbones.embed(model, images).shape == (3, model.num_features)


def test_weights_of_a_vision_transformer_of_another_size_are_resampled(tmp_path: Path):
    compute.seed_everything(1)
    state = backbones.create("test_vit", 7, 3).state_dict()
    save_file(state, tmp_path / "weights.safetensors")
    model = backbones.create("test_vit", 2, 1, str(tmp_path / "weights.safetensors"), side=48)
    loaded = model.state_dict()
    assert torch.equal(loaded["blocks.1.mlp.fc1.weight"], state["blocks.1.mlp.fc1.weight"])
    assert loaded["pos_embed"].shape[1] < state["pos_embed"].shape[1]
    corner = loaded["pos_embed"].reshape(-1, loaded["pos_embed"].shape[-1])[-1]
    assert torch.nn.functional.cosine_similarity(corner, state["pos_embed"][0, -1], dim=0) > 0.1
    assert backbones.predict(model, torch.zeros(2, 1, 48, 48, dtype=torch.uint8)).shape == (2, 2)


def test_a_side_that_does_not_hold_whole_patches_is_refused_whatever_timm_would_leave_out():
    with pytest.raises(InputError, match=r"^curve\.runs: vit_base_patch16_224 .*image_size 40; expected a multiple of 16, "):
        backbones.create("vit_base_patch16_224", 2, 3, parameter="curve.runs", side=40)
