"""Training batches: an order that is a function of the step, and random resized crops drawn afresh."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import interpolate
from torch.utils.data import IterableDataset

from synthtrace.seeds import Seeds

# sides of a crop differ by at most this factor: a stretched organ is no longer anatomy
RATIO = 1.1


@dataclass
class TrainingImages:
    """Native crops in memory: images uint8 (N, C, H, W), maps uint8 (N, H, W) or None, labels int (N,), ids (N,)."""

    images: np.ndarray
    maps: np.ndarray | None
    labels: np.ndarray
    image_ids: list[str]


@dataclass
class Batch:
    """Images in [-1, 1] (B, C, S, S), brightness classes (B, S/2, S/2) or None, labels (B,), ids, and the step."""

    images: torch.Tensor
    maps: torch.Tensor | None
    labels: torch.Tensor
    image_ids: list[str]
    step: int


def crop_box(rng: np.random.Generator, height: int, width: int, least: float) -> tuple[int, int, int, int]:
    """Top, left, height, width of a random crop of at least the share `least` of the area (torchvision's RandomResizedCrop)."""
    area = height * width * rng.uniform(least, 1.0)
    ratio = np.exp(rng.uniform(-np.log(RATIO), np.log(RATIO)))
    crop_height = min(height, round(np.sqrt(area / ratio)))
    crop_width = min(width, round(np.sqrt(area * ratio)))
    top = int(rng.integers(0, height - crop_height + 1))
    left = int(rng.integers(0, width - crop_width + 1))
    return top, left, crop_height, crop_width


def resize(image: torch.Tensor, size: int) -> torch.Tensor:
    """(C, H, W) to (C, size, size), bilinear with antialiasing."""
    return interpolate(image[None], size=(size, size), mode="bilinear", antialias=True, align_corners=False)[0]


def epoch_order(seeds: Seeds, names: tuple[str | int, ...], count: int, start: int, length: int) -> np.ndarray:
    """Positions start..start+length of an endless sequence of shuffled epochs of `count` images."""
    positions = np.arange(start, start + length)
    chosen = np.empty(length, dtype=int)
    for epoch in np.unique(positions // count):
        inside = positions // count == epoch
        order = seeds.stream(*names, "epoch", int(epoch)).permutation(count)
        chosen[inside] = order[positions[inside] % count]
    return chosen


class CropBatches(IterableDataset):
    """`steps` batches of random resized crops; batch t depends on the seed, the names and t alone."""

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
    ) -> None:
        self.source, self.size, self.crop_scale = source, size, crop_scale
        self.batch_size, self.steps = batch_size, steps
        self.seeds, self.names = seeds, names

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches in order."""
        for step in range(self.steps):
            yield self.batch(step)

    def batch(self, step: int) -> Batch:
        """Batch number `step`."""
        source, size = self.source, self.size
        chosen = epoch_order(self.seeds, self.names, len(source.image_ids), step * self.batch_size, self.batch_size)
        rng = self.seeds.stream(*self.names, "crops", step)
        images, maps = [], []
        for index in chosen:
            top, left, height, width = crop_box(rng, source.images.shape[2], source.images.shape[3], self.crop_scale)
            window = np.s_[top : top + height, left : left + width]
            image = torch.from_numpy(source.images[index][:, *window]).float()
            images.append(resize(image, size) / 127.5 - 1)
            if source.maps is not None:
                maps.append(shrink_map(source.maps[index][window], size // 2))
        return Batch(
            images=torch.stack(images),
            maps=torch.from_numpy(np.stack(maps)).long() if maps else None,
            labels=torch.from_numpy(source.labels[chosen]).long(),
            image_ids=[source.image_ids[index] for index in chosen],
            step=step,
        )


def shrink_map(classes: np.ndarray, size: int) -> np.ndarray:
    """Nearest-neighbour reduction of a map of brightness classes (H, W) to (size, size)."""
    rows = ((np.arange(size) + 0.5) * classes.shape[0] / size).astype(int)
    columns = ((np.arange(size) + 0.5) * classes.shape[1] / size).astype(int)
    return classes[np.ix_(rows, columns)]
