"""Train one autoencoder, or take a given one, and write its checkpoint folder."""

from pathlib import Path

import pandas as pd
import torch
from diffusers import AutoencoderKL

from synthtrace import compute
from synthtrace.cards import Seen, checkpoint_digest, write_card
from synthtrace.generators import autoencoder, patch_discriminator
from synthtrace.generators.autoencoder_training import AdversarialTraining, AutoencoderTraining, Term, classified, perceptual
from synthtrace.generators.batches import CropBatches, TrainingImages
from synthtrace.generators.classifier_training import FittedClassifier, ImageClassification, fit_classifier
from synthtrace.generators.encoder_classifier import EncoderClassifier
from synthtrace.generators.training import fit
from synthtrace.params import Autoencoder, Params
from synthtrace.perceptual import load as load_lpips
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

    The decoder is trained as `autoencoder.tuning` says, with the same loss of a reconstruction; its classifier learns from
    `source` as well. `fold` is None for one that belongs to no fold; `manifest` says whose images `source` holds. Writes
    config.json, safetensors and card.json below `folder`.

    Raises:
        InputError: weights of autoencoder.perceptual cannot be had, or the training has exploded; nothing is written.
    """
    given = params.autoencoder.of_space(space)
    settings = tuned(given) if start_from else given
    names: tuple[str | int, ...] = ("pretrain", space) if fold is None else ("autoencoder", fold, space)
    seeds, size = Seeds(params.seed), params.preprocess.image_size
    seen = Seen()
    losses: dict[str, float] = {}
    terms: list[Term] = []
    lpips = classifier = None
    if settings.perceptual:
        lpips = load_lpips(settings.perceptual, "autoencoder.perceptual").to(device)
        terms.append(perceptual(lpips, settings.perceptual_weight))
    compute.seed_everything(seeds.integer(*names, "init"))
    model = autoencoder.load(start_from) if start_from else autoencoder.build(settings, size, params.preprocess.channels)
    if start_from and settings.tuning.classifier_weight:
        classifier = train_classifier(source, model, params, (*names, "classifier"), device)
        seen.add(classifier.recorder.seen.image_ids)
        losses["classifier"] = classifier.recorder.final_loss()
        terms.append(classified(classifier.model, settings.tuning.classifier_weight))
    batches = CropBatches(
        source,
        size=size,
        crop_scale=settings.crop_scale,
        batch_size=settings.batch_size,
        steps=settings.steps,
        seeds=seeds,
        names=names,
    )
    module = training(model, settings, seeds, names, size, decoder_only=start_from is not None, terms=terms)
    recorder = fit(module, batches, device, params.compute.precision, tracker, " ".join(map(str, names)))
    seen.add(recorder.seen.image_ids)
    if classifier:
        classifier.show(tracker)
    model.eval().cpu().save_pretrained(folder)
    write_card(
        folder,
        kind="autoencoder",
        space=space,
        fold=fold,
        **seen.card_fields(manifest),
        params=given.model_dump(exclude={"pretrained", "kinds"} if start_from else {"pretrained", "kinds", "tuning"}),
        seed=params.seed,
        steps=len(recorder.losses),
        losses=losses | {"last_tenth": recorder.final_loss()},
        started_from=checkpoint_digest(start_from) if start_from else None,
        perceptual=lpips.sha256 if lpips else None,
    )


def tuned(settings: Autoencoder) -> Autoencoder:
    """The settings of an autoencoder with steps, batch and learning rate of the tuning of its decoder."""
    tuning = settings.tuning
    own = {"steps": tuning.steps, "batch_size": tuning.batch_size, "learning_rate": tuning.learning_rate}
    return settings.model_copy(update=own)


def training(
    model: AutoencoderKL,
    settings: Autoencoder,
    seeds: Seeds,
    names: tuple[str | int, ...],
    size: int,
    *,
    decoder_only: bool,
    terms: list[Term],
) -> AutoencoderTraining:
    """The training of an autoencoder of images of that size, with a new discriminator where there is to be one."""
    if not settings.adversarial_weight:
        return AutoencoderTraining(model, settings, seeds, names, decoder_only=decoder_only, terms=terms)
    compute.seed_everything(seeds.integer(*names, "discriminator"))
    discriminator = patch_discriminator.build(model.config["in_channels"], settings.channels[0], size)
    return AdversarialTraining(
        model, settings, seeds, names, decoder_only=decoder_only, terms=terms, discriminator=discriminator
    )


def train_classifier(
    source: TrainingImages, model: AutoencoderKL, params: Params, names: tuple[str | int, ...], device: torch.device
) -> FittedClassifier:
    """Train the classifier of images that judges an autoencoder's reconstructions (paper 3, Eq. 5)."""
    seeds, size, tuning = Seeds(params.seed), params.preprocess.image_size, params.autoencoder.tuning
    compute.seed_everything(seeds.integer(*names, "init"))
    inputs = model.config["in_channels"]
    classifier = EncoderClassifier.like(model, inputs, size, len(params.dataset.labels), timed=False)
    batches = CropBatches(
        source,
        size=size,
        crop_scale=params.autoencoder.crop_scale,
        batch_size=tuning.classifier_batch_size,
        steps=tuning.classifier_steps,
        seeds=seeds,
        names=names,
    )
    module = ImageClassification(classifier, tuning.classifier_steps, tuning.classifier_learning_rate)
    return fit_classifier(module, batches, device, params.compute.precision, " ".join(map(str, names)))


def take_autoencoder(source: str, params: Params, space: str, folder: Path) -> None:
    """Write the checkpoint of a given autoencoder, a diffusers folder or hub id, as that of a latent space.

    Raises InputError when it cannot be had or does not fit the study's images and denoisers.
    """
    given = autoencoder.load(source)
    autoencoder.check_fits(given, params.preprocess, len(params.generator.channels))
    given.save_pretrained(folder)
    write_card(folder, kind="autoencoder", space=space, taken_from=source, patient_ids=[], image_ids=[])
