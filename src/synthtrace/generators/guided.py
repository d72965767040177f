"""`guided`: unconditional latent diffusion, guided by a classifier of noisy latents (HistoDiffusion, paper 3)."""

from pathlib import Path
from typing import Any, Self

import torch

from synthtrace import compute
from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.errors import InputError
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.classifier_training import FittedClassifier, LatentClassification, fit_classifier
from synthtrace.generators.diffusion import Noising, denoise
from synthtrace.generators.encoder_classifier import EncoderClassifier
from synthtrace.generators.guidance import GuidedPrediction
from synthtrace.generators.latent_diffusion import LatentDiffusion, latent_shape, latent_space, space_fields, training_batches
from synthtrace.generators.protocol import Fitted, Job
from synthtrace.generators.unconditional import Unconditional, train_unconditional
from synthtrace.params import Drawing
from synthtrace.params.generators import Guided as Settings


class Guided(LatentDiffusion):
    """`guided`: the denoiser is the pre-trained one, or with `autoencoder.mode: scratch` one trained on the fold."""

    denoiser = Unconditional
    classifier: EncoderClassifier

    @classmethod
    def train(cls, job: Job) -> tuple[Self, Fitted]:
        """See Family; encoder and denoiser stay as they are, the classifier of noisy latents is trained (paper 3, Eq. 6).

        Raises:
            InputError: the denoiser was pre-trained in another latent space than the fold's.
        """
        seen: set[str] = set()
        losses: dict[str, float] = {}
        if job.params.autoencoder.mode == "scratch":
            space, source = latent_space(job), None
            balanced = job.params.generator.balanced
            model, recorder = train_unconditional(
                job.source, space, job.params, job.names, job.tracker, job.device, balanced=balanced
            )
            seen, losses = recorder.seen.image_ids, {"denoiser": recorder.final_loss()}
        else:
            space, source = pretrained_space(job), checkpoint_digest(job.pretrained)
            model = Unconditional.load(job.pretrained)
        settings = job.params.generator
        noising = Noising(settings.noise_schedule, settings.prediction_type)
        classifier = train_latent_classifier(job, space, noising)
        classifier.show(job.tracker)
        shape = latent_shape(space, job.params.preprocess.image_size)
        guided = cls(model.eval().to(job.device), space, shape, noising).guided_by(classifier.model)
        fitted = Fitted(
            image_ids=seen | classifier.recorder.seen.image_ids,
            steps=len(classifier.recorder.losses),
            losses=losses | {"last_tenth": classifier.recorder.final_loss()},
            card=space_fields(job, space) | {"denoiser": source},
        )
        return guided, fitted

    def guided_by(self, classifier: EncoderClassifier) -> Self:
        """Itself, with its classifier."""
        self.classifier = classifier
        return self

    @classmethod
    def load(cls, folder: Path, autoencoders: Path, card: dict[str, Any], channels: int, device: torch.device) -> Self:
        """See Family."""
        classifier = EncoderClassifier.from_pretrained(folder / "classifier", use_safetensors=True, low_cpu_mem_usage=False)
        loaded = super().load(folder, autoencoders, card, channels, device)
        return loaded.guided_by(classifier.eval().requires_grad_(False).to(device))

    def save(self, folder: Path) -> None:
        """See Family."""
        super().save(folder)
        self.classifier.cpu().save_pretrained(folder / "classifier")

    def draw(self, noise: torch.Tensor, condition: torch.Tensor, drawing: Drawing) -> torch.Tensor:
        """See Family; `guidance_scale` is the classifier's g, and 0 is unguided."""
        guided = GuidedPrediction(self.model, self.classifier, self.noising, drawing.guidance_scale)
        # the scale is spent on the classifier: there is no null condition to lead away from
        latents = denoise(guided, noise, condition, self.noising, drawing._replace(guidance_scale=1.0))
        return self.space.decode(latents)


def pretrained_space(job: Job) -> LatentSpace:
    """The fold's latent space, with the shift and scale that the pre-trained denoiser knows its latents by.

    Raises:
        InputError: there is no such denoiser, or the fold's autoencoder is neither the one in whose latents it was trained nor
            that one with its decoder fine-tuned.
    """
    card, name = read_card(job.pretrained), job.params.autoencoder.space(job.kind)
    place = job.autoencoders / name
    if card["kind"] != "denoiser":
        raise InputError(f"{job.pretrained}: holds no denoiser; expected one, pre-trained on unlabelled images")
    # fine-tuning leaves the encoder as it was, and its card names what it started from
    if card["autoencoder"] not in (checkpoint_digest(place), read_card(place).get("started_from")):
        raise InputError(
            f"{place}: neither the autoencoder {card['autoencoder'][:12]}, in whose latents {job.pretrained} was trained, nor "
            "that one with its decoder fine-tuned"
        )
    latent = card["latent"]
    space = LatentSpace(autoencoder.load(place), job.params.preprocess.channels, latent["shift"], latent["scale"])
    space.autoencoder.to(job.device)
    return space


def train_latent_classifier(job: Job, space: LatentSpace, noising: Noising) -> FittedClassifier:
    """Train the classifier of noisy latents on a fold's training images."""
    names, settings = (*job.names, "classifier"), job.params.family(job.kind)
    assert isinstance(settings, Settings)
    compute.seed_everything(job.seeds.integer(*names, "init"))
    size = latent_shape(space, job.params.preprocess.image_size).size
    model = EncoderClassifier.like(space.autoencoder, space.latent_channels, size, job.classes, timed=True)
    batches = training_batches(
        job.source,
        space,
        job.params,
        names,
        batch_size=settings.classifier_batch_size,
        steps=settings.classifier_steps,
        balanced=job.params.generator.balanced,
        device=job.device,
    )
    module = LatentClassification(
        model, settings.classifier_steps, settings.classifier_learning_rate, space, noising, job.seeds, names
    )
    return fit_classifier(module, batches, job.device, job.params.compute.precision, " ".join(map(str, names)))
