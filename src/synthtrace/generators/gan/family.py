"""`gan`: a conditional StyleGAN2 with adaptive augmentation, standing for the GANs of papers 3 and 4 (HistoGAN, StyleGAN2)."""

from pathlib import Path
from typing import Any, Self

import torch

from synthtrace import compute
from synthtrace.generators.batches import CropBatches
from synthtrace.generators.gan.discriminator import Discriminator
from synthtrace.generators.gan.generator import StyleGenerator
from synthtrace.generators.gan.training import GanTraining
from synthtrace.generators.protocol import Family, Fitted, Job
from synthtrace.generators.training import fit
from synthtrace.params import Drawing
from synthtrace.params.generators import Gan as Settings


class Gan(Family):
    """A generator of images that needs no latent space; its condition is the label."""

    def __init__(self, generator: StyleGenerator) -> None:
        self.generator = generator

    @classmethod
    def train(cls, job: Job) -> tuple[Self, Fitted]:
        """See Family; the generator's averaged weights are kept, the discriminator is not."""
        settings, preprocess = job.params.family(job.kind), job.params.preprocess
        assert isinstance(settings, Settings)
        compute.seed_everything(job.seeds.integer(*job.names, "init"))
        start = preprocess.image_size // settings.growth
        generator = StyleGenerator(
            channels=settings.channels,
            latent_dim=settings.latent_dim,
            mapping_layers=settings.mapping_layers,
            classes=job.classes,
            image_channels=preprocess.channels,
            start=start,
        )
        discriminator = Discriminator(settings.channels, job.classes, preprocess.channels, start)
        batches = CropBatches(
            job.source,
            size=preprocess.image_size,
            crop_scale=job.params.generator.crop_scale,
            batch_size=settings.batch_size,
            steps=settings.steps,
            seeds=job.seeds,
            names=job.names,
            balanced=job.params.generator.balanced,
        )
        module = GanTraining(generator, discriminator, settings, job)
        recorder = fit(module, batches, job.device, job.params.compute.precision, job.tracker, " ".join(map(str, job.names)))
        fitted = Fitted(
            image_ids=recorder.seen.image_ids,
            steps=len(recorder.losses),
            losses={"last_tenth": recorder.final_loss()},
            card={"augmentation": {"probability": module.augmentation.value, "real_sign": module.augmentation.sign}},
        )
        return cls(module.averaged().to(job.device)), fitted

    @classmethod
    def load(cls, folder: Path, autoencoders: Path, card: dict[str, Any], channels: int, device: torch.device) -> Self:
        """See Family."""
        generator = StyleGenerator.from_pretrained(folder / "generator", use_safetensors=True, low_cpu_mem_usage=False)
        return cls(generator.eval().to(device))

    def save(self, folder: Path) -> None:
        """See Family."""
        self.generator.cpu().save_pretrained(folder / "generator")

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """All the noise of an image: z and the noise maps of the layers."""
        return (self.generator.noise_size,)

    @torch.no_grad()
    def draw(self, noise: torch.Tensor, condition: torch.Tensor, drawing: Drawing) -> torch.Tensor:
        """See Family: one pass; `drawing` has no say."""
        return self.generator(noise, condition).clamp(-1, 1)
