"""Train one generator of one fold and write its checkpoint folder."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from synthtrace import compute
from synthtrace.cards import checkpoint_digest, write_card
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import CropBatches, TrainingImages, to_tensor
from synthtrace.generators.diffusion import denoise, sampler
from synthtrace.generators.diffusion_training import DiffusionTraining
from synthtrace.generators.protocol import Family, LatentShape
from synthtrace.generators.registry import family
from synthtrace.generators.training import fit
from synthtrace.images import to_pixels
from synthtrace.params import Params
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
    autoencoder_folder: Path,
    folder: Path,
    tracker: Tracker,
    device: torch.device,
) -> None:
    """Train the latent diffusion model `kind` of a fold on `source`, the fold's training images, and write its checkpoint."""
    settings = params.generator
    names: tuple[str | int, ...] = ("train_generator", kind, fold)
    seeds = Seeds(params.seed)
    space = LatentSpace(autoencoder.load(autoencoder_folder), params.preprocess.channels)
    size = params.preprocess.image_size
    whole = torch.stack([to_tensor(resized(to_pixels(image), size)) for image in source.images])
    space.measure(whole, compute.generator(seeds.integer(*names, "measure")))

    compute.seed_everything(seeds.integer(*names, "init"))
    latent = LatentShape(space.latent_channels, size // space.factor, space.factor)
    batches = CropBatches(
        source,
        size=size,
        crop_scale=settings.crop_scale,
        batch_size=settings.batch_size,
        steps=settings.steps,
        seeds=seeds,
        names=names,
    )
    module = DiffusionTraining(family(kind).build(settings, latent, len(params.dataset.labels)), space, settings, seeds, names)
    recorder = fit(module, batches, device, tracker)
    model = module.averaged()
    tracker.grid("samples", preview(model.to(device), space, batches, latent, settings.prediction_type, device))
    model.cpu().save(folder)
    sampler(settings.prediction_type).save_pretrained(folder / "scheduler")
    write_card(
        folder,
        kind=kind,
        fold=fold,
        **recorder.seen.card_fields(manifest),
        params=settings.model_dump(exclude={"kinds"}),
        seed=params.seed,
        steps=len(recorder.losses),
        losses={"last_tenth": recorder.final_loss()},
        autoencoder=checkpoint_digest(autoencoder_folder),
        latent={"shift": space.shift, "scale": space.scale},
    )


def preview(
    model: Family,
    space: LatentSpace,
    batches: CropBatches,
    latent: LatentShape,
    prediction_type: str,
    device: torch.device,
) -> np.ndarray:
    """Sample a small grid for people, uint8 (GRID, C, S, S), under the first batch's conditions."""
    batch = batches.batch(0)
    condition = model.condition(batch)[:GRID].to(device)
    noise = torch.randn((len(condition), latent.channels, latent.size, latent.size), generator=compute.generator(0))
    space.autoencoder.to(device)
    latents = denoise(model, noise.to(device), condition, prediction_type=prediction_type, steps=GRID_STEPS, guidance_scale=1.0)
    images = space.decode(latents)
    return ((images + 1) * 127.5).round().byte().cpu().numpy()
