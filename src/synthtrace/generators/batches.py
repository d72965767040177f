"""Training batches: an order that is a function of the step, and random resized crops drawn afresh."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import IterableDataset

from synthtrace.images import load_stack, to_pixels
from synthtrace.preprocess.random_crop import random_box, resized
from synthtrace.seeds import Seeds


@dataclass
class TrainingImages:
    """Native crops: images uint8 (N, C, H, W), maps uint8 (N, H, W) or None, labels int (N,), ids (N,).

    They are in memory, but for images that are too many: those are read as they are wanted.
    """

    images: np.ndarray | Sequence[np.ndarray]
    maps: np.ndarray | None
    labels: np.ndarray
    image_ids: list[str]


def training_images(crops: Path, rows: pd.DataFrame, channels: int, *, maps: bool) -> TrainingImages:
    """Load the native crops (and maps) of a crops manifest's rows."""
    return TrainingImages(
        images=load_stack([crops / path for path in rows["native_path"]], channels),
        maps=load_stack([crops / path for path in rows["map_path"]], 1)[:, 0] if maps else None,
        labels=np.asarray(rows["label"], dtype=np.int64),
        image_ids=rows["image_id"].astype(str).tolist(),
    )


@dataclass
class Batch:
    """What a step trains on, beside its images: brightness classes (B, S/2, S/2) or None, labels (B,), ids, and the step."""

    maps: torch.Tensor | None
    labels: torch.Tensor
    image_ids: list[str]
    step: int


@dataclass
class ImageBatch(Batch):
    """A batch of images (B, C, S, S) in [-1, 1]."""

    images: torch.Tensor


@dataclass
class LatentBatch(Batch):
    """A batch of images that were encoded before: mean and deviation (B, L, S/f, S/f) of their posterior."""

    mean: torch.Tensor
    deviation: torch.Tensor


def epoch_order(seeds: Seeds, names: tuple[str | int, ...], count: int, start: int, length: int) -> np.ndarray:
    """Positions start..start+length of an endless sequence of shuffled epochs of `count` images."""
    positions = np.arange(start, start + length)
    chosen = np.empty(length, dtype=int)
    for epoch in np.unique(positions // count):
        inside = positions // count == epoch
        order = seeds.stream(*names, "epoch", int(epoch)).permutation(count)
        chosen[inside] = order[positions[inside] % count]
    return chosen


def balanced_order(seeds: Seeds, names: tuple[str | int, ...], labels: np.ndarray, start: int, length: int) -> np.ndarray:
    """Positions start..start+length of an endless sequence in which the classes of `labels` (N,) take turns.

    Each class runs through shuffled epochs of its own, so that every class is drawn equally often and rarer ones are
    oversampled.
    """
    classes = np.unique(labels)
    positions = np.arange(start, start + length)
    chosen = np.empty(length, dtype=int)
    for turn, label in enumerate(classes):
        here = positions % len(classes) == turn
        rounds = positions[here] // len(classes)
        if len(rounds):
            members = np.flatnonzero(labels == label)
            own = (*names, "class", int(label))
            chosen[here] = members[epoch_order(seeds, own, len(members), int(rounds[0]), len(rounds))]
    return chosen


class TrainingBatches(IterableDataset):
    """`steps` batches of a fold's training images; batch t depends on the seed, the names and t alone.

    A subclass says what a batch holds of the images that are drawn. With `balanced`, every class is drawn equally often.
    """

    def __init__(
        self,
        source: TrainingImages,
        *,
        batch_size: int,
        steps: int,
        seeds: Seeds,
        names: tuple[str | int, ...],
        balanced: bool = False,
    ) -> None:
        self.source, self.batch_size, self.steps = source, batch_size, steps
        self.seeds, self.names, self.balanced = seeds, names, balanced

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches in order."""
        for step in range(self.steps):
            yield self.batch(step)

    def chosen(self, step: int) -> np.ndarray:
        """Numbers (B,) of the images of batch `step` in the source."""
        start, labels = step * self.batch_size, self.source.labels
        if self.balanced:
            return balanced_order(self.seeds, self.names, labels, start, self.batch_size)
        return epoch_order(self.seeds, self.names, len(labels), start, self.batch_size)

    def batch(self, step: int) -> Batch:
        """Batch number `step`."""
        raise NotImplementedError


class CropBatches(TrainingBatches):
    """Batches of random resized crops, of `size` pixels a side and at least the share `crop_scale` of an image's area."""

    def __init__(
        self,
        source: TrainingImages,
        *,
        size: int,
        crop_scale: float,
        batch_size: int,
        steps: int,
        seeds: Seeds,
        names: tuple[str | int, ...],
        balanced: bool = False,
    ) -> None:
        super().__init__(source, batch_size=batch_size, steps=steps, seeds=seeds, names=names, balanced=balanced)
        self.size, self.crop_scale = size, crop_scale

    def batch(self, step: int) -> ImageBatch:
        """Batch number `step`, cropped afresh."""
        source, chosen = self.source, self.chosen(step)
        rng = self.seeds.stream(*self.names, "crops", step)
        cuts = [random_cut(source, index, self.size, self.crop_scale, rng) for index in chosen]
        maps = [classes for _, classes in cuts if classes is not None]
        return ImageBatch(
            images=torch.stack([image for image, _ in cuts]),
            maps=torch.stack(maps).long() if maps else None,
            labels=torch.from_numpy(source.labels[chosen]).long(),
            image_ids=[source.image_ids[index] for index in chosen],
            step=step,
        )


def random_cut(
    source: TrainingImages, index: int, size: int, least: float, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """A random resized crop of one image, (C, size, size) in [-1, 1], and of its map, uint8 (size/2, size/2), if it has one."""
    pixels = to_pixels(source.images[index])
    left, top, right, bottom = box = random_box(rng, pixels.shape[0], pixels.shape[1], least)
    image = to_tensor(resized(pixels, size, box))
    if source.maps is None:
        return image, None
    return image, torch.from_numpy(shrink_map(source.maps[index][top:bottom, left:right], size // 2))


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """Uint8 (H, W) or (H, W, 3) to float (C, H, W) in [-1, 1]."""
    image = torch.from_numpy(pixels.copy()).float() / 127.5 - 1
    return image[None] if image.ndim == 2 else image.permute(2, 0, 1)


def shrink_map(classes: np.ndarray, size: int) -> np.ndarray:
    """A map of brightness classes (H, W) at (size, size).

    Classes are ordered by brightness, so a cell takes the rounded mean of its pixels' classes: speckle averages out, where
    the nearest pixel's class would be noise.
    """
    means = Image.fromarray(classes.astype(np.float32)).resize((size, size), Image.Resampling.BOX)
    return np.rint(np.asarray(means)).astype(classes.dtype)
