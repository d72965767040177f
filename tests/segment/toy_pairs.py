"""Bright discs on noise with their masks, two pairs a group, and settings that learn them in seconds."""

from typing import Any

import numpy as np

from synthtrace.params.segmenter import Segmenter
from synthtrace.segment.pairs import SegmentationSet

SIDE = 32


def discs(count: int, name: str, seed: int, channels: int = 1, sources: list[str] | None = None) -> SegmentationSet:
    """Discs of a radius from 5 to 9 pixels; variants of `sources` are of the sources' groups."""
    rng = np.random.default_rng(seed)
    across, down = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    places, radii = rng.uniform(9, SIDE - 9, (count, 2, 1, 1)), rng.uniform(5, 9, (count, 1, 1))
    inside = ((across - places[:, 0]) ** 2 + (down - places[:, 1]) ** 2 <= radii**2)[:, None]
    images = rng.integers(0, 100, (count, channels, SIDE, SIDE)) + 130 * inside
    ids = [f"{name}{number:03d}" for number in range(count)]
    sources = sources or ids
    groups = [f"G{int(source[-3:]) // 2}" for source in sources]
    return SegmentationSet(images.astype(np.uint8), (255 * inside).astype(np.uint8), ids, sources, groups)


def variants(real: SegmentationSet, each: int, name: str = "synthetic", seed: int = 7) -> SegmentationSet:
    """`each` synthetic pairs of every real one."""
    sources = [source for source in real.image_ids for _ in range(each)]
    return discs(len(sources), name, seed, real.images.shape[1], sources)


def settings(**changes: Any) -> Segmenter:
    """A tiny U-Net that is trained for seconds."""
    fields: dict[str, Any] = {"architecture": "unet", "encoder": "tu-test_resnet", "weights": None, "seeds": 2}
    fields |= {"steps": 40, "evaluations": 4, "batch_size": 8, "learning_rate": 3e-3, "learning_rate_after": 1e-3}
    return Segmenter(**(fields | {"falls_after": 0.5, "validation_share": 0.2} | changes))
