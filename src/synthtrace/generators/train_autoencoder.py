"""Train one autoencoder and write its checkpoint folder."""

from pathlib import Path

import pandas as pd
import torch

from synthtrace import compute
from synthtrace.cards import checkpoint_digest, write_card
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder_training import AutoencoderTraining
from synthtrace.generators.batches import CropBatches, TrainingImages
from synthtrace.generators.training import fit
from synthtrace.params import Params
from synthtrace.seeds import Seeds
from synthtrace.tracking import Tracker


def train_autoencoder(
    source: TrainingImages,
    manifest: pd.DataFrame,
    params: Params,
    names: tuple[str | int, ...],
    folder: Path,
    tracker: Tracker,
    device: torch.device,
    start_from: Path | None = None,
) -> None:
    """Train an AutoencoderKL on random resized crops of `source`; with `start_from`, only that checkpoint's decoder.

    `manifest` says whose images `source` holds. Writes config.json, safetensors and card.json below `folder`.
    """
    settings = params.autoencoder
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
    recorder = fit(module, batches, device, tracker)
    model.eval().cpu().save_pretrained(folder)
    write_card(
        folder,
        kind="autoencoder",
        fold=names[1] if len(names) > 1 else None,
        **recorder.seen.card_fields(manifest),
        params=settings.model_dump(exclude={"pretrained"}),
        seed=params.seed,
        steps=len(recorder.losses),
        losses={"last_tenth": recorder.final_loss()},
        started_from=checkpoint_digest(start_from) if start_from else None,
    )
