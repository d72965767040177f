"""`unet` and `dit`: the label's embedding is added to the timestep's, and what is drawn obeys it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers.models.embeddings import TimestepEmbedding

from synthtrace import compute
from synthtrace.generators.batches import TrainingImages
from synthtrace.generators.denoiser import LabelDenoiser, LatentShape
from synthtrace.generators.dit import LabelledTransformer
from synthtrace.generators.protocol import Job
from synthtrace.generators.registry import family
from synthtrace.generators.train_autoencoder import train_autoencoder
from synthtrace.generators.unet import LabelledUnet
from synthtrace.params import Drawing, Params

LATENT = LatentShape(channels=4, size=8, factor=2)
CPU = torch.device("cpu")
DENOISERS: dict[str, type[LabelDenoiser]] = {"unet": LabelledUnet, "dit": LabelledTransformer}
KINDS = tuple(DENOISERS)
CLASSES = 3
# mean of the images of each of two classes, in [-1, 1]
DARK, BRIGHT = -0.5, 0.5


def fresh(kind: str, params: Params) -> LabelDenoiser:
    torch.manual_seed(0)
    return DENOISERS[kind].build(params.generator, params.family(kind), LATENT, CLASSES)


def shaken(kind: str, params: Params) -> LabelDenoiser:
    """As after some steps: its weights are no longer those of a transformer that predicts 0 whatever it is told."""
    model = fresh(kind, params).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.05 * torch.randn(weight.shape)
    return model


@torch.no_grad()
def predicted(model: LabelDenoiser, label: int, timestep: int = 300) -> torch.Tensor:
    latents = torch.randn((2, 4, 8, 8), generator=compute.generator(1))
    return model(latents, torch.full((2,), timestep), torch.full((2,), label))


@pytest.mark.parametrize("kind", KINDS)
def test_each_label_and_the_null_label_predict_something_else(kind: str, params: Params) -> None:
    model = shaken(kind, params)
    null = int(model.null(torch.tensor([0]))[0])
    assert null == CLASSES
    found = [predicted(model, label) for label in (*range(CLASSES), null)]
    assert found[0].shape == (2, 4, 8, 8)
    for first in range(len(found)):
        for second in range(first):
            assert (found[first] - found[second]).abs().max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_the_labels_embedding_is_added_to_the_timesteps(kind: str, params: Params) -> None:
    """What every label's embedding loses and the timestep's gains changes nothing; what one label loses changes its own."""
    model = shaken(kind, params)
    tables = [module for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    timesteps = [module for module in model.modules() if isinstance(module, TimestepEmbedding)]
    assert len(tables) == len(timesteps) > 0
    assert {table.num_embeddings for table in tables} == {CLASSES + 1}
    before = [predicted(model, label) for label in range(CLASSES + 1)]
    with torch.no_grad():
        for table, timestep in zip(tables, timesteps, strict=True):
            table.weight -= 0.7
            timestep.linear_2.bias += 0.7
    for label, prediction in enumerate(before):
        assert torch.allclose(predicted(model, label), prediction, atol=1e-5)
    with torch.no_grad():
        for table in tables:
            table.weight[1] -= 0.7
    changed = [not torch.allclose(predicted(model, label), prediction, atol=1e-5) for label, prediction in enumerate(before)]
    assert changed == [False, True, False, False]


def test_a_new_transformer_predicts_nothing_and_its_blocks_are_the_identity(params: Params) -> None:
    model = fresh("dit", params)
    assert isinstance(model, LabelledTransformer)
    assert predicted(model, 0).abs().max() == 0
    tokens = torch.randn(2, 16, 16)
    changed = model.transformer.transformer_blocks[0](
        tokens, timestep=torch.tensor([5, 900]), class_labels=torch.tensor([0, 2])
    )
    assert torch.equal(changed, tokens)


def test_a_transformer_drops_no_label_by_itself(params: Params) -> None:
    """diffusers' own draws from the global generator, in training."""
    model = shaken("dit", params).train()
    latents, labels = torch.randn(64, 4, 8, 8), torch.zeros(64).long()
    with torch.no_grad():
        first, second = (model(latents, torch.full((64,), 500), labels) for _ in range(2))
        model.eval()
        assert torch.equal(first, model(latents, torch.full((64,), 500), labels))
    assert torch.equal(first, second)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_denoiser_predicts_the_same_and_knows_its_null_label(kind: str, params: Params, tmp_path: Path) -> None:
    model = shaken(kind, params)
    model.save(tmp_path)
    again = DENOISERS[kind].load(tmp_path)
    assert again.classes == CLASSES
    for training in (False, True):
        model.train(training)
        again.train(training)
        for label in range(CLASSES + 1):
            assert torch.equal(predicted(again, label), predicted(model, label))


@pytest.fixture(scope="module")
def dark_and_bright() -> TrainingImages:
    """Class 0 is dark, class 1 bright, each with some texture."""
    noise = np.random.default_rng(0).normal(0, 0.1, (12, 1, 16, 16))
    means = np.where(np.arange(12) % 2, BRIGHT, DARK)[:, None, None, None]
    images = ((means + noise + 1) * 127.5).round().astype(np.uint8)
    return TrainingImages(images, None, np.arange(12) % 2, [f"i{number}" for number in range(12)])


@pytest.fixture(scope="module")
def spaces(tmp_path_factory: pytest.TempPathFactory, params: Params, dark_and_bright: TrainingImages) -> Path:
    class Silent:
        def log(self, values: dict[str, float], step: int) -> None: ...

    tracker: Any = Silent()
    longer = params.model_copy(update={"autoencoder": params.autoencoder.model_copy(update={"steps": 150})})
    folder = tmp_path_factory.mktemp("spaces")
    manifest = pd.DataFrame({"image_id": dark_and_bright.image_ids, "patient_id": dark_and_bright.image_ids})
    train_autoencoder(dark_and_bright, manifest, longer, "shared", 0, folder / "shared", tracker, CPU)
    return folder


@pytest.mark.parametrize("schedule", ["scaled_linear", "cosine"])
@pytest.mark.parametrize("kind", KINDS)
def test_two_classes_are_learnt_and_drawn_the_right_way_round(
    kind: str, schedule: str, params: Params, job: Callable[..., Job], dark_and_bright: TrainingImages, spaces: Path
) -> None:
    own = {"steps": 120, "noise_schedule": schedule, "learning_rate": 4e-3, "ema_decay": 0.9}
    longer = params.model_copy(update={"generator": params.generator.model_copy(update=own)})
    model, _ = family(kind).train(job(kind, params=longer, source=dark_and_bright, autoencoders=spaces))
    noise = torch.randn((6, *model.noise_shape), generator=compute.generator(3))
    for name, steps in (("ddim", 20), ("dpmsolver++", 10)):
        dark, bright = (
            model.draw(noise, torch.full((6,), label), Drawing(name, steps, 1.0)).mean(dim=(1, 2, 3)) for label in (0, 1)
        )
        assert (dark - DARK).abs().max() < 0.15
        assert (bright - BRIGHT).abs().max() < 0.15
