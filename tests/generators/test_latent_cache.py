"""The latent cache: fixed crops, encoded once, and otherwise the training that fresh crops get."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from synthtrace import compute
from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import CropBatches, ImageBatch, TrainingImages
from synthtrace.generators.class_conditional import TokenDenoiser
from synthtrace.generators.denoiser import LatentShape
from synthtrace.generators.diffusion_training import DiffusionTraining
from synthtrace.generators.latent_cache import CachedBatches
from synthtrace.generators.protocol import Job
from synthtrace.generators.train_generator import train_generator
from synthtrace.params import Params
from synthtrace.seeds import Seeds

CPU = torch.device("cpu")
DRAWN: dict[str, Any] = {"batch_size": 5, "steps": 4, "seeds": Seeds(1), "names": ("t",)}
CROPS = 3


@pytest.fixture(scope="module")
def space(autoencoder_folder: Path) -> LatentSpace:
    return LatentSpace(autoencoder.load(autoencoder_folder), 1, shift=0.1, scale=2.0)


@pytest.fixture(scope="module")
def cached(source: TrainingImages, space: LatentSpace) -> CachedBatches:
    return CachedBatches(source, space, crops=CROPS, size=16, crop_scale=0.5, **DRAWN, balanced=False, device=CPU)


def test_a_step_holds_the_posterior_of_a_fixed_crop_and_that_crops_map(
    source: TrainingImages, space: LatentSpace, cached: CachedBatches
) -> None:
    batch = cached.batch(2)
    chosen, crops = cached.drawn(2)
    assert batch.maps is not None
    for row, (index, crop) in enumerate(zip(chosen, crops, strict=True)):
        image, classes = cached.cut(int(index), int(crop))
        mean, deviation = space.posterior(image[None])
        assert torch.allclose(batch.mean[row], mean[0], atol=1e-5)
        assert torch.allclose(batch.deviation[row], deviation[0], atol=1e-5)
        assert classes is not None
        assert torch.equal(batch.maps[row], classes.long())
        assert batch.image_ids[row] == source.image_ids[index]


def test_images_come_in_the_order_of_fresh_crops(source: TrainingImages, cached: CachedBatches) -> None:
    fresh = CropBatches(source, size=16, crop_scale=0.5, **DRAWN)
    assert [batch.image_ids for batch in cached] == [batch.image_ids for batch in fresh]


def test_a_step_depends_on_itself_alone_and_takes_every_crop_in_time(cached: CachedBatches) -> None:
    assert torch.equal(list(cached)[3].mean, cached.batch(3).mean)
    assert {int(crop) for step in range(20) for crop in cached.drawn(step)[1]} == set(range(CROPS))


def test_the_loss_is_that_of_encoding_the_same_crops_in_the_step(
    params: Params, source: TrainingImages, space: LatentSpace, cached: CachedBatches
) -> None:
    compute.seed_everything(0)
    model = TokenDenoiser.build(params.generator, params.family("class"), LatentShape(4, 8, 2), 2)
    module = DiffusionTraining(model, space, params.generator, Seeds(0), ("t",))
    batch = cached.batch(1)
    chosen, crops = cached.drawn(1)
    images = torch.stack([cached.cut(int(index), int(crop))[0] for index, crop in zip(chosen, crops, strict=True)])
    fresh = ImageBatch(maps=batch.maps, labels=batch.labels, image_ids=batch.image_ids, step=1, images=images)
    assert module.training_step(batch, 1).item() == pytest.approx(module.training_step(fresh, 1).item(), rel=1e-4)


def test_a_generator_trains_on_the_cache_and_its_card_says_what_it_saw(
    tmp_path: Path, params: Params, source: TrainingImages, manifest: pd.DataFrame, job: Callable[..., Job]
) -> None:
    settings = params.generator.model_copy(update={"latent_cache": 2, "balanced": True, "steps": 2})
    short = params.model_copy(update={"generator": settings})
    for name in ("one", "two"):
        train_generator(job("semantic", params=short), manifest, tmp_path / name)
    assert checkpoint_digest(tmp_path / "one") == checkpoint_digest(tmp_path / "two")
    seen = read_card(tmp_path / "one")["image_ids"]
    assert 8 <= len(seen) <= len(source.image_ids)
    assert set(seen) <= set(source.image_ids)
