"""What every generator family is: trained on a fold's images, kept in a folder, and drawn from under a condition."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from synthtrace.generators.batches import TrainingImages, to_tensor
from synthtrace.images import to_pixels
from synthtrace.params import Drawing, Params
from synthtrace.preprocess.random_crop import resized
from synthtrace.seeds import Seeds
from synthtrace.tracking import Tracker


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


@dataclass(frozen=True)
class Job:
    """The training of one generator: its kind and fold, the fold's training images, and where it runs.

    `autoencoders` holds the latent spaces of the fold, a folder each; `pretrained` the denoiser that the kind starts from, if
    it starts from one.
    """

    kind: str
    fold: int
    source: TrainingImages
    params: Params
    autoencoders: Path
    pretrained: Path
    tracker: Tracker
    device: torch.device

    @property
    def names(self) -> tuple[str | int, ...]:
        """The names of its random streams."""
        return "train_generator", self.kind, self.fold

    @property
    def seeds(self) -> Seeds:
        """The root of its random streams."""
        return Seeds(self.params.seed)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.params.dataset.labels)

    @cached_property
    def whole(self) -> torch.Tensor:
        """The fold's training images uncropped at the study's size, (N, C, S, S) in [-1, 1]."""
        size = self.params.preprocess.image_size
        return torch.stack([to_tensor(resized(to_pixels(image), size)) for image in self.source.images])


@dataclass(frozen=True)
class Fitted:
    """What a training did: the ids of the images that it drew, its losses by name, and further fields of the card."""

    image_ids: set[str]
    steps: int
    losses: dict[str, float]
    card: dict[str, Any]


class Family:
    """A generator of images: noise (B, *noise_shape) and a batch of conditions to images (B, C, S, S) in [-1, 1].

    Checkpoints are folders in diffusers format: one sub-folder a part, each with config.json and safetensors.
    """

    @classmethod
    def train(cls, job: Job) -> tuple[Self, Fitted]:
        """A new model, trained and ready to draw from; raises InputError when the training fails (`health.py`)."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path, autoencoders: Path, card: dict[str, Any], channels: int, device: torch.device) -> Self:
        """Read a checkpoint folder with its card; `autoencoders` holds the latent spaces of its fold, a folder each."""
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        """Write a checkpoint folder."""
        raise NotImplementedError

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise that one image starts from."""
        raise NotImplementedError

    def choose(self, index: int, label: int, reference: Reference, seeds: Seeds, names: tuple[str | int, ...]) -> Choice:
        """Choose what image `index` of a pool shows; `label` is what the pool's label distribution wants there."""
        return Choice(label)

    def realise(self, choice: Choice, reference: Reference) -> torch.Tensor:
        """Make the condition of one image from its choice alone: a ledger row is enough to make it again."""
        return torch.tensor(choice.label)

    def draw(self, noise: torch.Tensor, condition: torch.Tensor, drawing: Drawing) -> torch.Tensor:
        """Images (B, C, S, S) in [-1, 1] of noise (B, *noise_shape) and conditions (B, ...), both on the model's device."""
        raise NotImplementedError
