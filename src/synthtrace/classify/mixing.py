"""What a classifier trains on: a fold's real training images, and r times as many others mixed in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthtrace.errors import InputError
from synthtrace.images import to_pixels
from synthtrace.params import Classifier
from synthtrace.preprocess.random_crop import random_box, resized, rotated


@dataclass(frozen=True)
class LabelledImages:
    """Images uint8 (N, C, S, S), labels (N,) and ids."""

    images: np.ndarray
    labels: np.ndarray
    image_ids: list[str]

    def __add__(self, other: "LabelledImages") -> "LabelledImages":
        """Both sets, one behind the other."""
        return LabelledImages(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.labels, other.labels]),
            self.image_ids + other.image_ids,
        )

    def take(self, indices: Sequence[int] | np.ndarray) -> "LabelledImages":
        """The images at these positions."""
        return LabelledImages(self.images[indices], self.labels[indices], [self.image_ids[index] for index in indices])


def mixed_in(mixing_rate: float, real: int) -> int:
    """Number of images mixed in with `real` real ones (paper 0: r = synthetic / real)."""
    return round(mixing_rate * real)


def upsampled(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions of images with `labels` in which every class that occurs is as frequent as the commonest (paper 0, S7).

    All images once, in their order; then those of rarer classes again, each equally often, and where the number does not come
    out even a random part of them once more.
    """
    counts = np.bincount(labels)
    positions = [np.arange(len(labels))]
    for label in np.flatnonzero(counts):
        own = np.flatnonzero(labels == label)
        again, more = divmod(counts.max() - len(own), len(own))
        positions += [np.tile(own, again), rng.permutation(own)[:more]]
    return np.concatenate(positions)


@dataclass(frozen=True)
class Supply:
    """Of the class that a pool can spare least of: how many were kept of how many candidates, and how many are needed."""

    label: int
    kept: int
    candidates: int
    needed: int

    @property
    def enough(self) -> bool:
        """Whether a draw can be made."""
        return self.kept >= self.needed


def class_sequence(labels: np.ndarray, count: int) -> np.ndarray:
    """(count,) labels, each next one that of the class that is furthest behind its share of `labels`, a pool's.

    However many of them are taken, classes have the shares of the pool as nearly as whole images can.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    if not count:
        return np.empty(0, dtype=np.int64)
    shares, taken = sizes / sizes.sum(), np.zeros(len(classes))
    sequence = np.empty(count, dtype=np.int64)
    for place in range(count):
        behind = int(np.argmax(shares * (place + 1) - taken))
        taken[behind] += 1
        sequence[place] = classes[behind]
    return sequence


def supply(labels: np.ndarray, kept: np.ndarray, count: int) -> Supply:
    """Whether `count` images can be drawn of a pool with `labels` (N,), of which some are `kept` (N,) bool (`draw`)."""
    sequence = class_sequence(labels, count)
    of_classes = [
        Supply(int(one), int(kept[labels == one].sum()), int((labels == one).sum()), int((sequence == one).sum()))
        for one in np.unique(labels)
    ]
    return min(of_classes, key=lambda one: (one.kept - one.needed, one.label))


def check_pool(least: Supply, kind: str, fold: int, rate: str, name: str) -> None:
    """Raises InputError when fewer images were kept than a mixing rate asks for; `rate` is its parameter with its value.

    `name` is that of the class of `least`.
    """
    if least.enough:
        return
    acceptance = least.kept / least.candidates
    advice = (
        f"at this acceptance rate the pool must hold {math.ceil(least.needed / acceptance)} of them: raise sample.images"
        if least.kept
        else "none was kept, so no pool size would do"
    )
    raise InputError(
        f"{rate} needs {least.needed} synthetic images of {name} for {kind} fold {fold}, but selection kept {least.kept} of "
        f"{least.candidates} candidates (acceptance {acceptance:.1%}); {advice}"
    )


def draw(labels: np.ndarray, kept: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Positions in a pool with `labels` (N,) of `count` images that are `kept` (N,) bool, without replacement.

    Classes have the shares of the whole pool (`class_sequence`), whatever a selection keeps: it chooses images of a class, and
    does not move the classes' balance too. With one stream, a larger count begins with the smaller one's images. The draw ends
    where a class has no more (`supply` tells).
    """
    sequence = class_sequence(labels, count)
    positions, end = np.empty(count, dtype=np.int64), count
    for one in np.unique(labels):
        own = rng.permutation(np.flatnonzero(kept & (labels == one)))
        places = np.flatnonzero(sequence == one)
        if len(own) < len(places):
            end = min(end, int(places[len(own)]))
        positions[places[: len(own)]] = own[: len(places)]
    return positions[:end]


def traditional(
    native: LabelledImages, size: int, count: int, settings: Classifier, rng: np.random.Generator
) -> LabelledImages:
    """`count` fixed random resized crops of native crops, some of them rotated (paper 0, "traditional").

    Images are taken in turn from one shuffle after another; ids are the originals' with a running number. With one stream, a
    larger count holds the smaller one's crops.
    """
    chosen: list[int] = []
    crops = []
    while len(chosen) < count:
        for index in rng.permutation(len(native.labels))[: count - len(chosen)]:
            pixels = to_pixels(native.images[index])
            if rng.random() < settings.traditional_rotated:
                pixels = rotated(pixels, rng.uniform(-settings.traditional_degrees, settings.traditional_degrees))
            box = random_box(rng, pixels.shape[0], pixels.shape[1], settings.traditional_scale)
            crop = resized(pixels, size, box)
            crops.append(crop[None] if crop.ndim == 2 else crop.transpose(2, 0, 1))
            chosen.append(int(index))
    images = np.stack(crops) if crops else np.empty((0, native.images.shape[1], size, size), dtype=np.uint8)
    ids = [f"{native.image_ids[index]}~{number:05d}" for number, index in enumerate(chosen)]
    return LabelledImages(images, native.labels[chosen], ids)
