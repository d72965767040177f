"""Latent diffusion (Rombach et al. 2021): a denoiser trained in a fold's latent space, and sampling from it."""

from pathlib import Path
from typing import Any, ClassVar, Self

import torch

from synthtrace import compute
from synthtrace.cards import checkpoint_digest
from synthtrace.errors import InputError
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import CropBatches, TrainingBatches, TrainingImages
from synthtrace.generators.denoiser import Denoiser, LatentShape
from synthtrace.generators.diffusion import Noising, denoise
from synthtrace.generators.diffusion_training import DiffusionTraining
from synthtrace.generators.latent_cache import CachedBatches
from synthtrace.generators.protocol import Family, Fitted, Job
from synthtrace.generators.training import fit
from synthtrace.params import Drawing, Params
from synthtrace.seeds import Seeds


class LatentDiffusion(Family):
    """A denoiser, its latent space, and how its latents are made noisy; a subclass names the denoiser."""

    denoiser: ClassVar[type[Denoiser]]

    def __init__(self, model: Denoiser, space: LatentSpace, latent: LatentShape, noising: Noising) -> None:
        self.model, self.space, self.shape, self.noising = model, space, latent, noising

    @classmethod
    def train(cls, job: Job) -> tuple[Self, Fitted]:
        """See Family; averaged weights are kept."""
        settings = job.params.generator
        space = latent_space(job)
        latent = latent_shape(space, job.params.preprocess.image_size)
        compute.seed_everything(job.seeds.integer(*job.names, "init"))
        drawn = {"batch_size": settings.batch_size, "steps": settings.steps}
        batches = training_batches(
            job.source, space, job.params, job.names, **drawn, balanced=settings.balanced, device=job.device
        )
        model = cls.denoiser.build(settings, job.params.family(job.kind), latent, job.classes)
        module = DiffusionTraining(model, space, settings, job.seeds, job.names)
        recorder = fit(module, batches, job.device, job.params.compute.precision, job.tracker, " ".join(map(str, job.names)))
        noising = Noising(settings.noise_schedule, settings.prediction_type)
        trained = cls(module.averaged().to(job.device), space, latent, noising)
        fitted = Fitted(
            image_ids=recorder.seen.image_ids,
            steps=len(recorder.losses),
            losses={"last_tenth": recorder.final_loss()},
            card=space_fields(job, space),
        )
        return trained, fitted

    @classmethod
    def load(cls, folder: Path, autoencoders: Path, card: dict[str, Any], channels: int, device: torch.device) -> Self:
        """See Family; raises InputError when the autoencoder of its space is not the one that its card names."""
        space = load_space(folder, autoencoders, card, channels, device)
        model = cls.denoiser.load(folder).eval().to(device)
        shape = LatentShape(space.latent_channels, card["latent"]["size"], space.factor)
        return cls(model, space, shape, Noising(card["params"]["noise_schedule"], card["params"]["prediction_type"]))

    def save(self, folder: Path) -> None:
        """See Family."""
        self.model.cpu().save(folder)
        self.noising.training().save_pretrained(folder / "scheduler")

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of a latent."""
        return self.shape.channels, self.shape.size, self.shape.size

    def draw(self, noise: torch.Tensor, condition: torch.Tensor, drawing: Drawing) -> torch.Tensor:
        """See Family: denoise, then decode."""
        return self.space.decode(denoise(self.model, noise, condition, self.noising, drawing))


def latent_space(job: Job) -> LatentSpace:
    """The latent space of a job's kind on its device, shift and scale measured on the fold's training images."""
    place = job.autoencoders / job.params.autoencoder.space(job.kind)
    space = LatentSpace(autoencoder.load(place), job.params.preprocess.channels)
    space.autoencoder.to(job.device)
    space.measure(job.whole.to(job.device), compute.generator(job.seeds.integer(*job.names, "measure")))
    return space


def latent_shape(space: LatentSpace, image_size: int) -> LatentShape:
    """Shape of the latents of square images of that side."""
    return LatentShape(space.latent_channels, image_size // space.factor, space.factor)


def space_fields(job: Job, space: LatentSpace) -> dict[str, Any]:
    """Fields of a generator's card that say which latents it was trained in."""
    name = job.params.autoencoder.space(job.kind)
    size = job.params.preprocess.image_size // space.factor
    return {
        "space": name,
        "autoencoder": checkpoint_digest(job.autoencoders / name),
        "latent": {"shift": space.shift, "scale": space.scale, "size": size},
    }


def load_space(folder: Path, autoencoders: Path, card: dict[str, Any], channels: int, device: torch.device) -> LatentSpace:
    """The latent space that a generator's card names; raises InputError when its autoencoder is another one."""
    place = autoencoders / card["space"]
    found = checkpoint_digest(place)
    if card["autoencoder"] != found:
        raise InputError(f"{place}: digest {found[:12]}, but {folder} was trained in the latents of {card['autoencoder'][:12]}")
    space = LatentSpace(autoencoder.load(place), channels, card["latent"]["shift"], card["latent"]["scale"])
    space.autoencoder.to(device)
    return space


def training_batches(
    source: TrainingImages,
    space: LatentSpace,
    params: Params,
    names: tuple[str | int, ...],
    *,
    batch_size: int,
    steps: int,
    balanced: bool,
    device: torch.device,
) -> TrainingBatches:
    """Crops drawn afresh at each step, or with `generator.latent_cache` the latents of fixed ones."""
    settings = params.generator
    cut: dict[str, Any] = {"size": params.preprocess.image_size, "crop_scale": settings.crop_scale}
    drawn: dict[str, Any] = {"batch_size": batch_size, "steps": steps, "seeds": Seeds(params.seed), "names": names}
    if settings.latent_cache:
        return CachedBatches(source, space, crops=settings.latent_cache, **cut, **drawn, balanced=balanced, device=device)
    return CropBatches(source, **cut, **drawn, balanced=balanced)
