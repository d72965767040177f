"""What a latent diffusion family has of its own: a denoiser of latents with one kind of condition."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch

from synthtrace.generators.batches import Batch
from synthtrace.params import FamilySettings, Generator


@dataclass(frozen=True)
class LatentShape:
    """Shape of a latent and the autoencoder's factor: image side = `size` * `factor`."""

    channels: int
    size: int
    factor: int


class Denoiser(torch.nn.Module):
    """A denoiser f(z_t, t, condition) that predicts noise or velocity; a subclass adds the condition."""

    @classmethod
    def build(cls, params: Generator, settings: FamilySettings, latent: LatentShape, classes: int) -> Self:
        """A new model for latents of that shape and that many classes; `settings` is the family's own block."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the parts of a checkpoint folder."""
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        """Write the parts of a checkpoint folder."""
        raise NotImplementedError

    def condition(self, batch: Batch) -> torch.Tensor:
        """The condition of a training batch."""
        raise NotImplementedError

    def null(self, condition: torch.Tensor) -> torch.Tensor:
        """The null condition in the shape of `condition` (classifier-free guidance, Ho and Salimans 2022)."""
        raise NotImplementedError

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Predicted noise or velocity (B, L, s, s) for noisy latents (B, L, s, s), timesteps (B,) and a batch of conditions."""
        raise NotImplementedError


class LabelDenoiser(Denoiser):
    """A denoiser whose condition is the label (B,); label number `classes` is the null label."""

    classes: int

    def condition(self, batch: Batch) -> torch.Tensor:
        """Labels (B,)."""
        return batch.labels

    def null(self, condition: torch.Tensor) -> torch.Tensor:
        """The null label."""
        return torch.full_like(condition, self.classes)
