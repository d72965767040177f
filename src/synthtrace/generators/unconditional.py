"""Unconditional latent diffusion: pre-trained on unlabelled images (paper 3, Eq. 3), or trained on a fold."""

from pathlib import Path
from typing import Self

import pandas as pd
import torch
from diffusers import UNet2DModel

from synthtrace import compute
from synthtrace.cards import Seen, checkpoint_digest, write_card
from synthtrace.generators import autoencoder, unets
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import Batch, TrainingImages, to_tensor
from synthtrace.generators.denoiser import Denoiser, LatentShape
from synthtrace.generators.diffusion import Noising
from synthtrace.generators.diffusion_training import DiffusionTraining
from synthtrace.generators.latent_diffusion import latent_shape, training_batches
from synthtrace.generators.training import Recorder, fit
from synthtrace.images import to_pixels
from synthtrace.params import FamilySettings, Generator, Params
from synthtrace.preprocess.random_crop import resized
from synthtrace.seeds import Seeds
from synthtrace.tracking import Tracker

# images, spread over all, by which latents are scaled to unit deviation
MEASURED = 1000


class Unconditional(Denoiser):
    """A U-Net that heeds no condition."""

    def __init__(self, unet: UNet2DModel) -> None:
        super().__init__()
        self.unet = unet

    @classmethod
    def build(cls, params: Generator, settings: FamilySettings, latent: LatentShape, classes: int) -> Self:
        """See Denoiser."""
        return cls(unets.build(params, latent))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See Denoiser."""
        return cls(unets.load(folder))

    def save(self, folder: Path) -> None:
        """See Denoiser."""
        self.unet.save_pretrained(folder / "unet")

    def condition(self, batch: Batch) -> torch.Tensor:
        """Labels (B,), unused."""
        return batch.labels

    def null(self, condition: torch.Tensor) -> torch.Tensor:
        """The same."""
        return condition

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """See Denoiser."""
        return self.unet(latents, timesteps).sample


def train_unconditional(
    source: TrainingImages,
    space: LatentSpace,
    params: Params,
    names: tuple[str | int, ...],
    tracker: Tracker,
    device: torch.device,
    *,
    balanced: bool,
) -> tuple[Unconditional, Recorder]:
    """Train a denoiser of a measured latent space as `generator` says; its averaged weights come back."""
    seeds, settings = Seeds(params.seed), params.generator
    compute.seed_everything(seeds.integer(*names, "init"))
    batches = training_batches(
        source,
        space,
        params,
        names,
        batch_size=settings.batch_size,
        steps=settings.steps,
        balanced=balanced,
        device=device,
    )
    model = Unconditional(unets.build(settings, latent_shape(space, params.preprocess.image_size)))
    module = DiffusionTraining(model, space, settings, seeds, names)
    recorder = fit(module, batches, device, params.compute.precision, tracker, " ".join(map(str, names)))
    averaged = module.averaged()
    assert isinstance(averaged, Unconditional)
    return averaged, recorder


def pretrain_denoiser(
    source: TrainingImages,
    manifest: pd.DataFrame,
    params: Params,
    kind: str,
    autoencoders: Path,
    folder: Path,
    tracker: Tracker,
    device: torch.device,
) -> None:
    """Train the denoiser that a kind starts from on unlabelled images, in the pre-trained latent space of the kind.

    `autoencoders` holds the pre-trained latent spaces, a folder each. Writes unet/, scheduler/ and card.json below `folder`.
    Latents are scaled to unit deviation by up to MEASURED images; that is kept in the card, for every fold to use.
    """
    names, size, settings = ("pretrain_denoiser", kind), params.preprocess.image_size, params.generator
    place = autoencoders / params.autoencoder.space(kind)
    space = LatentSpace(autoencoder.load(place), params.preprocess.channels)
    space.autoencoder.to(device)
    some = range(0, len(source.images), -(-len(source.images) // MEASURED))
    whole = torch.stack([to_tensor(resized(to_pixels(source.images[index]), size)) for index in some])
    space.measure(whole.to(device), compute.generator(Seeds(params.seed).integer(*names, "measure")))
    model, recorder = train_unconditional(source, space, params, names, tracker, device, balanced=False)
    seen = Seen()
    seen.add(recorder.seen.image_ids | {source.image_ids[index] for index in some})
    model.cpu().save(folder)
    Noising(settings.noise_schedule, settings.prediction_type).training().save_pretrained(folder / "scheduler")
    write_card(
        folder,
        kind="denoiser",
        space=params.autoencoder.space(kind),
        **seen.card_fields(manifest),
        params=settings.model_dump(exclude={"kinds", "condition_dropout", "balanced", "map_classes"}),
        seed=params.seed,
        steps=len(recorder.losses),
        losses={"last_tenth": recorder.final_loss()},
        autoencoder=checkpoint_digest(place),
        latent={"shift": space.shift, "scale": space.scale, "size": size // space.factor},
    )
