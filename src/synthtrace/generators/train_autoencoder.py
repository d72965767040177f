"""Train one autoencoder, or take a given one, and write its checkpoint folder."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from synthtrace import compute
from synthtrace.cards import checkpoint_digest, write_card
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder_training import AutoencoderTraining
from synthtrace.generators.batches import CropBatches, TrainingImages
from synthtrace.generators.training import fit
from synthtrace.params import Params, Preprocess
from synthtrace.preprocess.crops import native_stack
from synthtrace.seeds import Seeds
from synthtrace.tracking import Tracker


def train_autoencoder(
    source: TrainingImages,
    manifest: pd.DataFrame,
    params: Params,
    space: str,
    fold: int | None,
    folder: Path,
    tracker: Tracker,
    device: torch.device,
    start_from: Path | None = None,
) -> None:
    """Train the AutoencoderKL of a latent space on random resized crops of `source`; with `start_from`, only its decoder.

    `fold` is None for one that belongs to no fold; `manifest` says whose images `source` holds. Writes config.json, safetensors
    and card.json below `folder`.
    """
    settings = params.autoencoder.of_space(space)
    names: tuple[str | int, ...] = ("pretrain", space) if fold is None else ("autoencoder", fold, space)
    seeds = Seeds(params.seed)
    compute.seed_everything(seeds.integer(*names, "init"))
    if start_from:
        model = autoencoder.load(start_from)
    else:
        model = autoencoder.build(settings, params.preprocess.image_size, params.preprocess.channels)
    batches = CropBatches(
        source,
        size=params.preprocess.image_size,
        crop_scale=settings.crop_scale,
        batch_size=settings.batch_size,
        steps=settings.steps,
        seeds=seeds,
        names=names,
    )
    module = AutoencoderTraining(model, settings, seeds, names, decoder_only=start_from is not None)
    recorder = fit(module, batches, device, params.compute.precision, tracker, " ".join(map(str, names)))
    model.eval().cpu().save_pretrained(folder)
    write_card(
        folder,
        kind="autoencoder",
        space=space,
        fold=fold,
        **recorder.seen.card_fields(manifest),
        params=settings.model_dump(exclude={"pretrained", "kinds"}),
        seed=params.seed,
        steps=len(recorder.losses),
        losses={"last_tenth": recorder.final_loss()},
        started_from=checkpoint_digest(start_from) if start_from else None,
    )


def take_autoencoder(source: str, params: Params, space: str, folder: Path) -> None:
    """Write the checkpoint of a given autoencoder, a diffusers folder or hub id, as that of a latent space.

    Raises InputError when it cannot be had or does not fit the study's images and denoisers.
    """
    given = autoencoder.load(source)
    autoencoder.check_fits(given, params.preprocess, len(params.generator.channels))
    given.save_pretrained(folder)
    write_card(folder, kind="autoencoder", space=space, taken_from=source, patient_ids=[], image_ids=[])


def pretraining_images(corpus: Path, preprocess: Preprocess) -> tuple[TrainingImages, pd.DataFrame]:
    """The unlabelled corpus, cropped as the study's scans are, and its manifest with `image_id`s."""
    manifest = pd.read_csv(corpus / "manifest.csv", dtype={"patient_id": "string"})
    manifest["image_id"] = [Path(path).stem for path in manifest["path"]]
    labels = np.zeros(len(manifest), dtype=np.int64)
    return TrainingImages(native_stack(corpus, manifest, preprocess), None, labels, manifest["image_id"].tolist()), manifest
