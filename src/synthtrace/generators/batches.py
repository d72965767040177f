"""Training batches: an order that is a function of the step, and random resized crops drawn afresh."""

from collections.abc import Iterator
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
    """Native crops in memory: images uint8 (N, C, H, W), maps uint8 (N, H, W) or None, labels int (N,), ids (N,)."""

    images: np.ndarray
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
    """Images in [-1, 1] (B, C, S, S), brightness classes (B, S/2, S/2) or None, labels (B,), ids, and the step."""

    images: torch.Tensor
    maps: torch.Tensor | None
    labels: torch.Tensor
    image_ids: list[str]
    step: int


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
            pixels = to_pixels(source.images[index])
            left, top, right, bottom = box = random_box(rng, pixels.shape[0], pixels.shape[1], self.crop_scale)
            images.append(to_tensor(resized(pixels, size, box)))
            if source.maps is not None:
                maps.append(shrink_map(source.maps[index][top:bottom, left:right], size // 2))
        return Batch(
            images=torch.stack(images),
            maps=torch.from_numpy(np.stack(maps)).long() if maps else None,
            labels=torch.from_numpy(source.labels[chosen]).long(),
            image_ids=[source.image_ids[index] for index in chosen],
            step=step,
        )


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
