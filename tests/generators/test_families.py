"""Every family that denoises latents trains, saves, loads, and obeys its condition."""

import math
import shutil
from collections.abc import Callable
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
from synthtrace.generators.denoiser import Denoiser, LatentShape
from synthtrace.generators.diffusion import Noising, denoise
from synthtrace.generators.diffusion_training import DiffusionTraining
from synthtrace.generators.latent_diffusion import LatentDiffusion
from synthtrace.generators.protocol import Job, Reference
from synthtrace.generators.registry import family
from synthtrace.generators.semantic import distort
from synthtrace.generators.train_autoencoder import train_autoencoder
from synthtrace.generators.train_generator import train_generator
from synthtrace.params import Drawing, Params, parse_params
from synthtrace.seeds import Seeds

KINDS = ("class", "dit", "semantic", "unet")
LATENT = LatentShape(channels=4, size=8, factor=2)
CPU = torch.device("cpu")
EPSILON = Noising("scaled_linear", "epsilon")


def latent_family(kind: str) -> type[LatentDiffusion]:
    found = family(kind)
    assert issubclass(found, LatentDiffusion)
    return found


def build(kind: str, params: Params) -> Denoiser:
    """As after some steps: a transformer starts as one that predicts 0 whatever it is told."""
    torch.manual_seed(0)
    model = latent_family(kind).denoiser.build(params.generator, params.family(kind), LATENT, 2).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.05 * torch.randn(weight.shape)
    return model


def conditions(model: Denoiser, source: TrainingImages) -> torch.Tensor:
    batch = CropBatches(source, size=16, crop_scale=0.64, batch_size=4, steps=1, seeds=Seeds(0), names=("t",)).batch(0)
    return model.condition(batch)


@pytest.fixture(scope="module", params=KINDS)
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, manifest: pd.DataFrame, job: Callable[..., Job]
) -> tuple[str, Path]:
    class Silent:
        def log(self, values: dict[str, float], step: int) -> None: ...

        def grid(self, name: str, images: np.ndarray) -> None:
            assert images.shape == (8, 1, 16, 16)

    folder = tmp_path_factory.mktemp(request.param)
    train_generator(job(request.param, tracker=Silent()), manifest, folder)
    return request.param, folder


def test_a_checkpoint_is_diffusers_folders_and_a_card(trained: tuple[str, Path], autoencoder_folder: Path) -> None:
    kind, folder = trained
    card = read_card(folder)
    assert (folder / ("transformer" if kind == "dit" else "unet") / "config.json").exists()
    assert (folder / "scheduler" / "scheduler_config.json").exists()
    assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".ckpt")]
    assert card["kind"] == kind
    assert card["steps"] == 12
    assert card["autoencoder"] == checkpoint_digest(autoencoder_folder)
    assert card["image_ids"] == [f"i{n:02d}" for n in range(12)]


def test_loading_gives_the_same_predictions(trained: tuple[str, Path], autoencoders: Path, source: TrainingImages) -> None:
    kind, folder = trained
    loaded = load_generator(folder, autoencoders, 1, CPU)
    assert isinstance(loaded, LatentDiffusion)
    model = loaded.model
    model.save(folder.parent / f"again-{kind}")
    again = loaded.denoiser.load(folder.parent / f"again-{kind}").eval()
    latents, steps = torch.randn(4, 4, 8, 8), torch.tensor([0, 10, 500, 999])
    condition = conditions(model, source)
    with torch.no_grad():
        assert torch.equal(model(latents, steps, condition), again(latents, steps, condition))


def test_a_generator_refuses_another_autoencoder(trained: tuple[str, Path], tmp_path: Path) -> None:
    from synthtrace.cards import write_card

    (tmp_path / "shared").mkdir()
    write_card(tmp_path / "shared", kind="autoencoder", patient_ids=[], image_ids=[])
    with pytest.raises(InputError, match="was trained in the latents of"):
        load_generator(trained[1], tmp_path, 1, CPU)


def test_training_twice_gives_the_same_weights(
    tmp_path: Path, manifest: pd.DataFrame, job: Callable[..., Job], trained: tuple[str, Path]
) -> None:
    kind, folder = trained
    torch.manual_seed(5)
    train_generator(job(kind), manifest, tmp_path)
    assert checkpoint_digest(tmp_path) == checkpoint_digest(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_the_null_condition_is_none_of_the_conditions(kind: str, params: Params, source: TrainingImages) -> None:
    model = build(kind, params)
    condition = conditions(model, source)
    null = model.null(condition)
    assert null.shape == condition.shape
    assert not any(torch.equal(null[0], one) for one in condition)


@pytest.mark.parametrize("kind", KINDS)
def test_guidance_of_one_is_the_plain_conditional_model(kind: str, params: Params, source: TrainingImages) -> None:
    model = build(kind, params)
    condition, noise = conditions(model, source), torch.randn(4, 4, 8, 8)
    plain, almost, strong = (
        denoise(model, noise, condition, EPSILON, Drawing("ddim", 3, scale)) for scale in (1.0, 1.0 + 1e-6, 4.0)
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
    with pytest.raises(InputError, match=r"unknown kind 'gna'; known are class, dit, gan, guided, semantic, unet"):
        family("gna")


def test_semantic_images_inherit_the_label_of_the_map_they_take(
    params: Params, source: TrainingImages, autoencoder_folder: Path
) -> None:
    from synthtrace.generators import autoencoder

    space = LatentSpace(autoencoder.load(autoencoder_folder), 1)
    model = latent_family("semantic")(build("semantic", params), space, LATENT, EPSILON)
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
    tmp_path: Path,
    params: Params,
    source: TrainingImages,
    manifest: pd.DataFrame,
    autoencoders: Path,
    tracker: Any,
    job: Callable[..., Job],
) -> None:
    own = {"class": {"pretrained": None, "channels": [8, 8, 8], "latent_channels": 3}}
    tree = params.model_dump()
    tree["autoencoder"] |= {"kinds": own, "steps": 1}
    tree["generator"] |= {"steps": 1}
    other = parse_params(tree)
    shutil.copytree(autoencoders, tmp_path / "fold0")
    train_autoencoder(source, manifest, other, "class", 0, tmp_path / "fold0/class", tracker, CPU)
    for kind, shape in (("class", (3, 4)), ("semantic", (4, 2))):
        train_generator(job(kind, params=other, autoencoders=tmp_path / "fold0"), manifest, tmp_path / kind)
        loaded = load_generator(tmp_path / kind, tmp_path / "fold0", 1, CPU)
        assert isinstance(loaded, LatentDiffusion)
        assert (loaded.space.latent_channels, loaded.space.factor) == shape


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
