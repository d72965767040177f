"""The latent space: trained, loaded, measured."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from synthtrace import compute
from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.errors import InputError
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import TrainingImages
from synthtrace.generators.train_autoencoder import train_autoencoder
from synthtrace.params import Params


def test_latents_are_scaled_to_unit_deviation(autoencoder_folder: Path) -> None:
    space = LatentSpace(autoencoder.load(autoencoder_folder), channels=1)
    images = torch.rand(12, 1, 16, 16) * 2 - 1
    space.measure(images, compute.generator(0))
    latents = space.encode(images, compute.generator(1))
    assert latents.shape == (12, 4, 8, 8)
    assert abs(latents.mean().item()) < 0.05
    assert abs(latents.std().item() - 1) < 0.05


def test_decoding_undoes_the_scaling(autoencoder_folder: Path) -> None:
    model = autoencoder.load(autoencoder_folder)
    images = torch.rand(4, 1, 16, 16) * 2 - 1
    plain = LatentSpace(model, 1)
    scaled = LatentSpace(model, 1, shift=0.3, scale=2.5)
    expected = plain.decode(plain.encode(images, compute.generator(1)))
    assert torch.allclose(scaled.decode(scaled.encode(images, compute.generator(1))), expected, atol=1e-5)


def test_a_colour_autoencoder_takes_grey_images(params: Params) -> None:
    space = LatentSpace(autoencoder.build(params.autoencoder, 16, channels=3), channels=1)
    latents = space.encode(torch.zeros(2, 1, 16, 16), compute.generator(0))
    assert space.decode(latents).shape == (2, 1, 16, 16)


def test_the_card_lists_what_the_loop_drew(autoencoder_folder: Path, source: TrainingImages) -> None:
    card = read_card(autoencoder_folder)
    assert card["image_ids"] == source.image_ids  # 30 steps of 8: every one of the 12 was drawn
    assert card["patient_ids"] == [f"P{n}" for n in range(6)]
    assert list(card["weights"]) == ["diffusion_pytorch_model.safetensors"]


def test_a_single_step_has_seen_only_its_batch(
    tmp_path: Path, params: Params, source: TrainingImages, manifest: pd.DataFrame, tracker: object
) -> None:
    short = params.model_copy(update={"autoencoder": params.autoencoder.model_copy(update={"steps": 1})})
    train_autoencoder(source, manifest, short, "shared", 0, tmp_path, tracker, torch.device("cpu"))  # type: ignore[arg-type]
    assert len(read_card(tmp_path)["image_ids"]) == 8


def test_fine_tuning_the_decoder_leaves_the_encoder_as_it_was(
    tmp_path: Path,
    autoencoder_folder: Path,
    params: Params,
    source: TrainingImages,
    manifest: pd.DataFrame,
    tracker: object,
) -> None:
    device = torch.device("cpu")
    train_autoencoder(source, manifest, params, "shared", 1, tmp_path, tracker, device, start_from=autoencoder_folder)  # type: ignore[arg-type]
    before, after = autoencoder.load(autoencoder_folder).state_dict(), autoencoder.load(tmp_path).state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"decoder", "post_quant_conv"}
    assert read_card(tmp_path)["started_from"] == checkpoint_digest(autoencoder_folder)


def test_a_pretrained_folder_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"autoencoder.pretrained: .*nowhere"):
        autoencoder.load(tmp_path / "nowhere")


def test_training_lowers_the_reconstruction_error(autoencoder_folder: Path, params: Params) -> None:
    gradient = np.linspace(-1, 1, 16, dtype=np.float32)
    images = torch.from_numpy(np.broadcast_to(gradient, (1, 1, 16, 16)).copy())
    compute.seed_everything(0)
    errors = []
    for model in (autoencoder.build(params.autoencoder, 16, 1), autoencoder.load(autoencoder_folder)):
        space = LatentSpace(model, 1)
        errors.append((space.decode(space.encode(images, compute.generator(0))) - images).abs().mean().item())
    assert errors[1] < errors[0]
