"""What every generator family is: a denoiser of latents with one kind of condition."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch

from synthtrace.generators.batches import Batch
from synthtrace.params import Generator
from synthtrace.seeds import Seeds


@dataclass(frozen=True)
class LatentShape:
    """Shape of a latent and the autoencoder's factor: image side = `size` * `factor`."""

    channels: int
    size: int
    factor: int


@dataclass(frozen=True)
class Reference:
    """Training images of a fold from which conditions come.

    Their ids, labels (N,) and brightness maps uint8 (N, H, W); the side that a map condition has and the deviation of its
    distortion as a share of that side.
    """

    image_ids: list[str]
    labels: np.ndarray
    maps: np.ndarray
    map_size: int
    distortion: float


@dataclass(frozen=True)
class Choice:
    """What an image is to show: its label, and the training image and seed behind its condition where there are any."""

    label: int
    condition_image_id: str | None = None
    condition_seed: int | None = None


class Family(torch.nn.Module):
    """A denoiser f(z_t, t, condition) that predicts noise or velocity; a subclass adds the condition.

    Checkpoints are folders in diffusers format: one sub-folder a part, each with config.json and safetensors.
    """

    @classmethod
    def build(cls, params: Generator, latent: LatentShape, classes: int) -> Self:
        """A new model for latents of that shape and that many classes."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a checkpoint folder."""
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        """Write a checkpoint folder."""
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

    def choose(self, index: int, label: int, reference: Reference, seeds: Seeds, names: tuple[str | int, ...]) -> Choice:
        """Choose what image `index` of a pool shows; `label` is what the pool's label distribution wants there."""
        raise NotImplementedError

    def realise(self, choice: Choice, reference: Reference) -> torch.Tensor:
        """Make the condition of one image from its choice alone: a ledger row is enough to make it again."""
        raise NotImplementedError


def block_types(plain: str, attending: str, levels: int, attention_levels: int) -> tuple[str, ...]:
    """Down block types from the highest resolution to the lowest, attention at the lowest `attention_levels`."""
    return tuple(attending if level >= levels - attention_levels else plain for level in range(levels))
