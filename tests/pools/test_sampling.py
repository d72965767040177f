"""Pools: each image has a noise stream of its own, and its ledger row is enough to make it again."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.checkpoints import Trained
from synthtrace.generators.protocol import Family, LatentShape, Reference
from synthtrace.generators.registry import FAMILIES, family
from synthtrace.images import file_sha256, pixel_hash, read_image
from synthtrace.params import Params, parse_params
from synthtrace.pools.sampling import draw_pool, plan_pool, sample_batch, wanted_labels
from synthtrace.seeds import Seeds
from synthtrace.tables import LEDGER, read_ledger, write_ledger

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
KINDS = sorted(FAMILIES)


@pytest.fixture(scope="module")
def params() -> Params:
    tree: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["preprocess"]["image_size"] = 16
    tree["autoencoder"]["channels"] = [8, 8]
    tree["generator"].update(channels=[8, 16], label_dim=16)
    tree["sample"].update(images=7, batch_size=3, steps=3)
    return parse_params(tree)


@pytest.fixture(scope="module")
def space(params: Params) -> LatentSpace:
    torch.manual_seed(0)
    return LatentSpace(autoencoder.build(params.autoencoder, 16, 1), 1)


@pytest.fixture(scope="module")
def reference() -> Reference:
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 5, (6, 20, 20), dtype=np.uint8)
    return Reference([f"i{n}" for n in range(6)], np.array([0, 1, 1, 1, 0, 1]), maps, map_size=8, distortion=0.02)


def build(kind: str, params: Params) -> Family:
    torch.manual_seed(1)
    return family(kind).build(params.generator, LatentShape(4, 8, 2), 2).eval()


def trained(kind: str, params: Params, space: LatentSpace) -> Trained:
    return Trained(build(kind, params), space, "v_prediction")


def plan(kind: str, params: Params, reference: Reference, fold: int = 0) -> pd.DataFrame:
    return plan_pool(build(kind, params), kind, fold, reference, params.sample, 2, Seeds(params.seed))


@pytest.mark.parametrize("kind", KINDS)
def test_pool_and_ledger_are_in_bijection_and_digests_are_the_files(
    kind: str, tmp_path: Path, params: Params, space: LatentSpace, reference: Reference
) -> None:
    ledger = draw_pool(tmp_path, plan(kind, params, reference), trained(kind, params, space), reference, 8, CPU, range(3))
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
    kind: str, tmp_path: Path, params: Params, space: LatentSpace, reference: Reference
) -> None:
    model = trained(kind, params, space)
    ledger = draw_pool(tmp_path, plan(kind, params, reference), model, reference, 8, CPU, range(3))
    write_ledger(tmp_path, ledger.assign(checkpoint="c"))
    stored = read_ledger(tmp_path)
    rows = stored[stored["batch"] == 1]
    images = sample_batch(rows, model, reference, 8, CPU)
    assert [pixel_hash(image[0]) for image in images] == rows["pixel_hash"].tolist()


def test_the_row_says_which_sampler_draws_its_image(params: Params, space: LatentSpace, reference: Reference) -> None:
    model, rows = trained("class", params, space), plan("class", params, reference).head(3)
    assert rows["sampler"].eq(params.sample.sampler).all()
    images = {name: sample_batch(rows.assign(sampler=name), model, reference, 8, CPU) for name in ("ddim", "dpmsolver++")}
    assert np.array_equal(images[params.sample.sampler], sample_batch(rows, model, reference, 8, CPU))
    assert not np.array_equal(images["ddim"], images["dpmsolver++"])


@pytest.mark.parametrize("kind", KINDS)
def test_noise_and_conditions_do_not_depend_on_the_batch_size(kind: str, params: Params, reference: Reference) -> None:
    other = params.model_copy(update={"sample": params.sample.model_copy(update={"batch_size": 5, "images": 4})})
    columns = ["seed", "label", "condition_image_id", "condition_seed"]
    assert plan(kind, other, reference)[columns].equals(plan(kind, params, reference)[columns].head(4))


def test_an_image_alone_differs_from_the_batch_by_rounding_at_most(
    params: Params, space: LatentSpace, reference: Reference
) -> None:
    model, rows = trained("class", params, space), plan("class", params, reference)
    together = sample_batch(rows, model, reference, 8, CPU)
    alone = sample_batch(rows.iloc[[4]], model, reference, 8, CPU)
    assert np.abs(alone[0].astype(int) - together[4].astype(int)).max() <= 1


def test_folds_and_kinds_have_streams_of_their_own(params: Params, reference: Reference) -> None:
    seeds = [plan(kind, params, reference, fold)["seed"].tolist() for kind in KINDS for fold in (0, 1)]
    assert len({seed for some in seeds for seed in some}) == 7 * len(seeds)


def test_balanced_labels_are_balanced_in_every_prefix(params: Params) -> None:
    labels = wanted_labels(params.sample, np.array([0, 1, 1]), 3, Seeds(0), ("t",))
    assert labels.tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_prior_labels_follow_the_training_images(params: Params) -> None:
    sample = params.sample.model_copy(update={"labels": "prior", "images": 4000})
    labels = wanted_labels(sample, np.array([0, 1, 1, 1]), 2, Seeds(0), ("t",))
    assert abs(labels.mean() - 0.75) < 0.03
