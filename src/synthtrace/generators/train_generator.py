"""Train one generator of one fold and write its checkpoint folder."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthtrace import compute
from synthtrace.cards import checkpoint_digest, write_card
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import CropBatches, TrainingBatches, TrainingImages, to_tensor
from synthtrace.generators.diffusion import denoise, sampler
from synthtrace.generators.diffusion_training import DiffusionTraining
from synthtrace.generators.latent_cache import CachedBatches
from synthtrace.generators.protocol import Family, LatentShape
from synthtrace.generators.registry import family
from synthtrace.generators.training import fit
from synthtrace.images import to_pixels
from synthtrace.params import Generator, Params
from synthtrace.preprocess.random_crop import resized
from synthtrace.seeds import Seeds
from synthtrace.tracking import Tracker

# images in the grid that a training logs, and the steps that it samples them with
GRID = 8
GRID_STEPS = 10


def train_generator(
    kind: str,
    fold: int,
    source: TrainingImages,
    manifest: pd.DataFrame,
    params: Params,
    autoencoders: Path,
    folder: Path,
    tracker: Tracker,
    device: torch.device,
) -> None:
    """Train the latent diffusion model `kind` of a fold on `source`, the fold's training images, and write its checkpoint.

    `autoencoders` holds the latent spaces of the fold, a folder each.
    """
    settings = params.generator
    space_name = params.autoencoder.space(kind)
    names: tuple[str | int, ...] = ("train_generator", kind, fold)
    seeds = Seeds(params.seed)
    space = LatentSpace(autoencoder.load(autoencoders / space_name), params.preprocess.channels)
    size = params.preprocess.image_size
    whole = torch.stack([to_tensor(resized(to_pixels(image), size)) for image in source.images])
    space.autoencoder.to(device)
    space.measure(whole.to(device), compute.generator(seeds.integer(*names, "measure")))

    compute.seed_everything(seeds.integer(*names, "init"))
    latent = LatentShape(space.latent_channels, size // space.factor, space.factor)
    batches = training_batches(source, space, settings, size, seeds, names, device)
    module = DiffusionTraining(family(kind).build(settings, latent, len(params.dataset.labels)), space, settings, seeds, names)
    recorder = fit(module, batches, device, params.compute.precision, tracker)
    model = module.averaged()
    tracker.grid("samples", preview(model.to(device), space, batches, latent, settings.prediction_type, device))
    model.cpu().save(folder)
    sampler("ddim", settings.prediction_type).save_pretrained(folder / "scheduler")
    write_card(
        folder,
        kind=kind,
        fold=fold,
        space=space_name,
        **recorder.seen.card_fields(manifest),
        params=settings.model_dump(exclude={"kinds"}),
        seed=params.seed,
        steps=len(recorder.losses),
        losses={"last_tenth": recorder.final_loss()},
        autoencoder=checkpoint_digest(autoencoders / space_name),
        latent={"shift": space.shift, "scale": space.scale},
    )


def training_batches(
    source: TrainingImages,
    space: LatentSpace,
    settings: Generator,
    size: int,
    seeds: Seeds,
    names: tuple[str | int, ...],
    device: torch.device,
) -> TrainingBatches:
    """Crops of `size` pixels drawn afresh at each step, or with `generator.latent_cache` the latents of fixed ones."""
    cut: dict[str, Any] = {"size": size, "crop_scale": settings.crop_scale}
    drawn: dict[str, Any] = {"batch_size": settings.batch_size, "steps": settings.steps, "seeds": seeds, "names": names}
    if settings.latent_cache:
        return CachedBatches(
            source, space, crops=settings.latent_cache, **cut, **drawn, balanced=settings.balanced, device=device
        )
    return CropBatches(source, **cut, **drawn, balanced=settings.balanced)


def preview(
    model: Family,
    space: LatentSpace,
    batches: TrainingBatches,
    latent: LatentShape,
    prediction_type: str,
    device: torch.device,
) -> np.ndarray:
    """Sample a small grid for people, uint8 (GRID, C, S, S), under the first batch's conditions."""
    batch = batches.batch(0)
    condition = model.condition(batch)[:GRID].to(device)
    noise = torch.randn((len(condition), latent.channels, latent.size, latent.size), generator=compute.generator(0))
    latents = denoise(
        model,
        noise.to(device),
        condition,
        name="dpmsolver++",
        prediction_type=prediction_type,
        steps=GRID_STEPS,
        guidance_scale=1.0,
    )
    images = space.decode(latents)
    return ((images + 1) * 127.5).round().byte().cpu().numpy()
