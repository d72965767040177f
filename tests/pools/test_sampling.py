"""Pools: each image has a noise stream of its own, and its ledger row is enough to make it again."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from synthtrace.cards import write_card
from synthtrace.errors import InputError
from synthtrace.generators import autoencoder
from synthtrace.generators.batches import TrainingImages
from synthtrace.generators.latent_diffusion import LatentDiffusion
from synthtrace.generators.protocol import Family, Job, Reference
from synthtrace.generators.registry import family
from synthtrace.images import file_sha256, pixel_hash, read_image
from synthtrace.params import Drawing, Params, parse_params
from synthtrace.pools.sampling import draw_pool, plan_pool, sample_batch, wanted_labels
from synthtrace.seeds import Seeds
from synthtrace.tables import LEDGER, read_ledger, write_ledger

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
Plan = Callable[..., pd.DataFrame]
KINDS = ("class", "dit", "gan", "semantic", "unet")


class Silent:
    def log(self, values: dict[str, float], step: int) -> None: ...


@pytest.fixture(scope="module")
def params() -> Params:
    tree: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["preprocess"]["image_size"] = 16
    tree["autoencoder"]["channels"] = [8, 8]
    tree["generator"].update(channels=[8, 16], steps=1, batch_size=2)
    tree["families"]["class"].update(label_dim=16)
    tree["families"]["dit"].update(depth=1, heads=1, head_dim=8)
    tree["families"]["gan"].update(channels=[8, 8, 8], latent_dim=8, steps=1, batch_size=2)
    tree["sample"].update(images=7, batch_size=3, steps=3)
    return parse_params(tree)


@pytest.fixture(scope="module")
def reference() -> Reference:
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 5, (6, 20, 20), dtype=np.uint8)
    return Reference([f"i{n}" for n in range(6)], np.array([0, 1, 1, 1, 0, 1]), maps, map_size=8, distortion=0.02)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, params: Params, reference: Reference) -> dict[str, Family]:
    """Every kind, after a step of training."""
    spaces = tmp_path_factory.mktemp("autoencoders")
    torch.manual_seed(0)
    autoencoder.build(params.autoencoder, 16, 1).save_pretrained(spaces / "shared")
    write_card(spaces / "shared", kind="autoencoder", patient_ids=[], image_ids=[])
    images = np.random.default_rng(1).integers(0, 256, (6, 1, 20, 20), dtype=np.uint8)
    source = TrainingImages(images, reference.maps, reference.labels, reference.image_ids)
    usual: dict[str, Any] = {"params": params, "autoencoders": spaces, "pretrained": spaces, "tracker": Silent()}
    return {kind: family(kind).train(Job(kind, 0, source, **usual, device=CPU))[0] for kind in KINDS}


@pytest.fixture(scope="module")
def plan(params: Params, reference: Reference, models: dict[str, Family]) -> Plan:
    def made(kind: str, fold: int = 0, **sample: int) -> pd.DataFrame:
        settings = params.sample.model_copy(update=sample)
        drawing = params.family(kind).drawing(settings)
        return plan_pool(models[kind], kind, fold, reference, settings, drawing, 2, Seeds(params.seed))

    return made


@pytest.mark.parametrize("kind", KINDS)
def test_pool_and_ledger_are_in_bijection_and_digests_are_the_files(
    kind: str, tmp_path: Path, models: dict[str, Family], plan: Plan, reference: Reference
) -> None:
    ledger = draw_pool(tmp_path, plan(kind), models[kind], reference, CPU, range(3))
    write_ledger(tmp_path, ledger.assign(checkpoint="c"))
    ledger = read_ledger(tmp_path)
    assert list(ledger.columns) == LEDGER
    assert sorted(ledger["path"]) == sorted(f"images/{path.name}" for path in (tmp_path / "images").iterdir())
    for _, row in ledger.iterrows():
        pixels = read_image(tmp_path / row["path"])
        assert pixels.shape == (16, 16)
        assert row["pixel_hash"] == pixel_hash(pixels)
        assert row["file_sha256"] == file_sha256(tmp_path / row["path"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_made_again_to_the_bit_from_the_stored_ledger(
    kind: str, tmp_path: Path, models: dict[str, Family], plan: Plan, reference: Reference
) -> None:
    ledger = draw_pool(tmp_path, plan(kind), models[kind], reference, CPU, range(3))
    write_ledger(tmp_path, ledger.assign(checkpoint="c"))
    stored = read_ledger(tmp_path)
    rows = stored[stored["batch"] == 1]
    images = sample_batch(rows, models[kind], reference, CPU)
    assert [pixel_hash(image[0]) for image in images] == rows["pixel_hash"].tolist()


def test_the_row_says_which_sampler_draws_its_image(
    params: Params, models: dict[str, Family], plan: Plan, reference: Reference
) -> None:
    model, rows = models["class"], plan("class").head(3)
    assert rows["sampler"].eq(params.sample.sampler).all()
    images = {name: sample_batch(rows.assign(sampler=name), model, reference, CPU) for name in ("ddim", "dpmsolver++")}
    assert np.array_equal(images[params.sample.sampler], sample_batch(rows, model, reference, CPU))
    assert not np.array_equal(images["ddim"], images["dpmsolver++"])


@pytest.mark.parametrize("kind", KINDS)
def test_noise_and_conditions_do_not_depend_on_the_batch_size(kind: str, plan: Plan) -> None:
    columns = ["seed", "label", "condition_image_id", "condition_seed"]
    assert plan(kind, batch_size=5, images=4)[columns].equals(plan(kind)[columns].head(4))


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_alone_differs_from_the_batch_by_rounding_at_most(
    kind: str, models: dict[str, Family], plan: Plan, reference: Reference
) -> None:
    model, rows = models[kind], plan(kind)
    together = sample_batch(rows, model, reference, CPU)
    alone = sample_batch(rows.iloc[[4]], model, reference, CPU)
    assert np.abs(alone[0].astype(int) - together[4].astype(int)).max() <= 1


def test_folds_and_kinds_have_streams_of_their_own(plan: Plan) -> None:
    seeds = [plan(kind, fold)["seed"].tolist() for kind in KINDS for fold in (0, 1)]
    assert len({seed for some in seeds for seed in some}) == 7 * len(seeds)


def test_balanced_labels_are_balanced_in_every_prefix(params: Params) -> None:
    labels = wanted_labels(params.sample, np.array([0, 1, 1]), 3, Seeds(0), ("t",))
    assert labels.tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_prior_labels_follow_the_training_images(params: Params) -> None:
    sample = params.sample.model_copy(update={"labels": "prior", "images": 4000})
    labels = wanted_labels(sample, np.array([0, 1, 1, 1]), 2, Seeds(0), ("t",))
    assert abs(labels.mean() - 0.75) < 0.03


def test_pixels_that_are_no_numbers_never_become_a_pool(tmp_path: Path, plan: Plan, reference: Reference) -> None:
    class Broken(Family):
        noise_shape = (1, 2, 2)

        def draw(self, noise: torch.Tensor, condition: torch.Tensor, drawing: Drawing) -> torch.Tensor:
            return noise / 0 * 0

    with pytest.raises(InputError, match=r"^class-f0-00003: its batch has pixels that are no numbers; expected a generator"):
        draw_pool(tmp_path, plan("class"), Broken(), reference, CPU, [1])
    assert not list((tmp_path / "images").iterdir())


def test_latents_that_are_no_numbers_are_refused(models: dict[str, Family], plan: Plan, reference: Reference) -> None:
    """Clipping to the range of pixels must not hide them."""
    model = models["unet"]
    assert isinstance(model, LatentDiffusion)
    for value in (math.nan, math.inf):
        broken = copy.deepcopy(model.model)
        next(broken.parameters()).data[0] = value
        with pytest.raises(InputError, match="pixels that are no numbers"):
            sample_batch(plan("unet").head(2), type(model)(broken, model.space, model.shape, model.noising), reference, CPU)
