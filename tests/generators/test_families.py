"""Every family of the registry trains, saves, loads, and obeys its condition."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.errors import InputError
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import CropBatches, TrainingImages
from synthtrace.generators.checkpoints import load_generator
from synthtrace.generators.diffusion import denoise
from synthtrace.generators.diffusion_training import DiffusionTraining
from synthtrace.generators.protocol import Family, LatentShape, Reference
from synthtrace.generators.registry import FAMILIES, family
from synthtrace.generators.semantic import distort
from synthtrace.generators.train_autoencoder import train_autoencoder
from synthtrace.generators.train_generator import train_generator
from synthtrace.params import Params, parse_params
from synthtrace.seeds import Seeds

LATENT = LatentShape(channels=4, size=8, factor=2)
CPU = torch.device("cpu")


def build(kind: str, params: Params) -> Family:
    torch.manual_seed(0)
    return family(kind).build(params.generator, LATENT, 2).eval()


def conditions(kind: str, model: Family, source: TrainingImages) -> torch.Tensor:
    batch = CropBatches(source, size=16, crop_scale=0.64, batch_size=4, steps=1, seeds=Seeds(0), names=("t",)).batch(0)
    return model.condition(batch)


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def trained(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    params: Params,
    source: TrainingImages,
    manifest: pd.DataFrame,
    autoencoders: Path,
) -> tuple[str, Path]:
    class Silent:
        def log(self, values: dict[str, float], step: int) -> None: ...

        def grid(self, name: str, images: np.ndarray) -> None:
            assert images.shape == (8, 1, 16, 16)

    folder = tmp_path_factory.mktemp(request.param)
    train_generator(request.param, 0, source, manifest, params, autoencoders, folder, Silent(), CPU)  # type: ignore[arg-type]
    return request.param, folder


def test_a_checkpoint_is_diffusers_folders_and_a_card(trained: tuple[str, Path], autoencoder_folder: Path) -> None:
    kind, folder = trained
    card = read_card(folder)
    assert (folder / "unet" / "config.json").exists()
    assert (folder / "scheduler" / "scheduler_config.json").exists()
    assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".ckpt")]
    assert card["kind"] == kind
    assert card["steps"] == 12
    assert card["autoencoder"] == checkpoint_digest(autoencoder_folder)
    assert card["image_ids"] == [f"i{n:02d}" for n in range(12)]


def test_loading_gives_the_same_predictions(trained: tuple[str, Path], autoencoders: Path, source: TrainingImages) -> None:
    kind, folder = trained
    model = load_generator(folder, autoencoders, 1, CPU).family
    model.save(folder.parent / f"again-{kind}")
    again = family(kind).load(folder.parent / f"again-{kind}").eval()
    latents, steps = torch.randn(4, 4, 8, 8), torch.tensor([0, 10, 500, 999])
    condition = conditions(kind, model, source)
    with torch.no_grad():
        assert torch.equal(model(latents, steps, condition), again(latents, steps, condition))


def test_a_generator_refuses_another_autoencoder(trained: tuple[str, Path], tmp_path: Path) -> None:
    from synthtrace.cards import write_card

    (tmp_path / "shared").mkdir()
    write_card(tmp_path / "shared", kind="autoencoder", patient_ids=[], image_ids=[])
    with pytest.raises(InputError, match="was trained in the latents of"):
        load_generator(trained[1], tmp_path, 1, CPU)


def test_training_twice_gives_the_same_weights(
    tmp_path: Path,
    params: Params,
    source: TrainingImages,
    manifest: pd.DataFrame,
    autoencoders: Path,
    tracker: object,
    trained: tuple[str, Path],
) -> None:
    kind, folder = trained
    train_generator(kind, 0, source, manifest, params, autoencoders, tmp_path, tracker, CPU)  # type: ignore[arg-type]
    assert checkpoint_digest(tmp_path) == checkpoint_digest(folder)


@pytest.mark.parametrize("kind", sorted(FAMILIES))
def test_the_null_condition_is_none_of_the_conditions(kind: str, params: Params, source: TrainingImages) -> None:
    model = build(kind, params)
    condition = conditions(kind, model, source)
    null = model.null(condition)
    assert null.shape == condition.shape
    assert not any(torch.equal(null[0], one) for one in condition)


@pytest.mark.parametrize("kind", sorted(FAMILIES))
def test_guidance_of_one_is_the_plain_conditional_model(kind: str, params: Params, source: TrainingImages) -> None:
    model = build(kind, params)
    condition, noise = conditions(kind, model, source), torch.randn(4, 4, 8, 8)
    plain, almost, strong = (
        denoise(model, noise, condition, name="ddim", prediction_type="epsilon", steps=3, guidance_scale=scale)
        for scale in (1.0, 1.0 + 1e-6, 4.0)
    )
    assert torch.allclose(plain, almost, atol=1e-3)
    assert not torch.allclose(plain, strong, atol=1e-3)


def test_conditions_are_dropped_at_the_stated_rate(params: Params, source: TrainingImages, autoencoder_folder: Path) -> None:
    from synthtrace.generators import autoencoder

    seen: list[torch.Tensor] = []

    class Spy(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def condition(self, batch: object) -> torch.Tensor:
            return torch.zeros(8).long()

        def null(self, condition: torch.Tensor) -> torch.Tensor:
            return torch.full_like(condition, 2)

        def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
            seen.append(condition)
            return latents * self.weight

    settings = params.generator.model_copy(update={"condition_dropout": 0.25})
    space = LatentSpace(autoencoder.load(autoencoder_folder), 1)
    module = DiffusionTraining(Spy(), space, settings, Seeds(0), ("t",))  # type: ignore[arg-type]
    steps = CropBatches(source, size=16, crop_scale=0.64, batch_size=8, steps=60, seeds=Seeds(0), names=("t",))
    for step, batch in enumerate(steps):
        module.training_step(batch, step)
    share = (torch.cat(seen) == 2).float().mean().item()
    assert abs(share - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 480)


def test_the_learning_rate_warms_up_and_falls_along_a_cosine(params: Params, autoencoder_folder: Path) -> None:
    from synthtrace.generators import autoencoder

    settings = params.generator.model_copy(update={"steps": 100, "warmup_steps": 10})
    space = LatentSpace(autoencoder.load(autoencoder_folder), 1)
    schedule = DiffusionTraining(build("class", params), space, settings, Seeds(0), ("t",)).configure_optimizers()
    rates = schedule["lr_scheduler"]["scheduler"].lr_lambdas[0]
    assert rates(0) == pytest.approx(0.1)
    assert rates(10) == pytest.approx(1.0)
    assert rates(55) == pytest.approx(0.5)
    assert rates(100) == pytest.approx(0.0)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown kind 'gna'; known are class, semantic"):
        family("gna")


def test_semantic_images_inherit_the_label_of_the_map_they_take(params: Params, source: TrainingImages) -> None:
    model = build("semantic", params)
    assert source.maps is not None
    reference = Reference(source.image_ids, source.labels, source.maps, map_size=8, distortion=0.02)
    label_of = dict(zip(source.image_ids, source.labels, strict=True))
    choices = [model.choose(index, 1, reference, Seeds(0), ("sample", "semantic", 0)) for index in range(200)]
    assert all(choice.label == label_of[choice.condition_image_id] for choice in choices if choice.condition_image_id)
    assert {choice.condition_image_id for choice in choices} == set(source.image_ids)
    first = model.realise(choices[0], reference)
    assert torch.equal(first, model.realise(choices[0], reference))
    assert torch.equal(first.sum(dim=0), torch.ones(8, 8))


def test_a_kind_trains_in_the_latent_space_that_is_its_own(
    tmp_path: Path, params: Params, source: TrainingImages, manifest: pd.DataFrame, autoencoders: Path, tracker: Any
) -> None:
    own = {"class": {"pretrained": None, "channels": [8, 8, 8], "latent_channels": 3}}
    tree = params.model_dump()
    tree["autoencoder"] |= {"kinds": own, "steps": 1}
    tree["generator"] |= {"steps": 1}
    other = parse_params(tree)
    shutil.copytree(autoencoders, tmp_path / "fold0")
    train_autoencoder(source, manifest, other, "class", 0, tmp_path / "fold0/class", tracker, CPU)
    for kind, shape in (("class", (3, 4)), ("semantic", (4, 2))):
        train_generator(kind, 0, source, manifest, other, tmp_path / "fold0", tmp_path / kind, tracker, CPU)
        space = load_generator(tmp_path / kind, tmp_path / "fold0", 1, CPU).space
        assert (space.latent_channels, space.factor) == shape


def test_the_velocity_is_that_of_the_schedule(params: Params, source: TrainingImages, autoencoder_folder: Path) -> None:
    """A model that always predicts 0 has the loss of its target: 1 for noise, the mean square of v for velocity."""
    from synthtrace.generators import autoencoder

    class Zero(torch.nn.Module):
        def condition(self, batch: object) -> torch.Tensor:
            return torch.zeros(8).long()

        def null(self, condition: torch.Tensor) -> torch.Tensor:
            return condition

        def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(latents)

    space = LatentSpace(autoencoder.load(autoencoder_folder), 1, shift=0.0, scale=50.0)  # latents far above unit deviation
    batch = CropBatches(source, size=16, crop_scale=0.64, batch_size=8, steps=1, seeds=Seeds(0), names=("t",)).batch(0)
    losses = {}
    for prediction_type in ("epsilon", "v_prediction"):
        settings = params.generator.model_copy(update={"prediction_type": prediction_type})
        zero: Any = Zero()
        zero.weight = torch.nn.Parameter(torch.zeros(1))
        losses[prediction_type] = DiffusionTraining(zero, space, settings, Seeds(0), ("t",)).training_step(batch, 0).item()
    assert losses["epsilon"] == pytest.approx(1, abs=0.1)
    assert losses["v_prediction"] > 10


def test_distortion_is_weak_and_makes_no_new_class() -> None:
    classes = np.repeat(np.repeat(np.array([[1, 3], [3, 1]], dtype=np.uint8), 12, axis=0), 12, axis=1)
    moved = distort(classes, 0.05, np.random.default_rng(0))
    assert set(np.unique(moved)) == {1, 3}
    assert 0 < (moved != classes).mean() < 0.25
    assert np.array_equal(distort(classes, 0.0, np.random.default_rng(0)), classes)
