"""Which images are copies of training images: the one function for it, used by selection and by the audit.

An image is measured in two ways: by correlation of pixels (`correlation.py`), blind by construction to mirroring, shifts,
crops, brightness and contrast; and by the cosine distance of in-domain embeddings, standardised over the training images,
blind to these only as far as training made it so. What counts as near is learnt from the training images alone, by three
references:

- frames: the nearest other frame of the same patient. A map-conditioned sample lies close to its map's image, about as a
  further frame would; what lies closer than the `copy_quantile` of these distances adds nothing and is a copy.
- altered: training images lightly altered (`features.augment.alter`: mirrored, cropped, re-brightened, with light noise). These
  are copies by definition, whatever other frames do: frames of one sweep can be more alike than a noised copy is.
- others: the nearest image of another patient (and group). These are no copies by definition.

Pixels: the threshold is the greater of the frames' `copy_quantile` and the altered ones' 99.9 %, but at most 1 % of the others.
Embedding: the `copy_quantile` of frames, or, in a set without frames, of altered images; at most 1 % of the others. A copy is
near in pixels; or near in the embedding and, in pixels, nearer than 99 % of the others; or identical.

Images are looked for `QUERIES` at a time, so that memory grows with the training images and never with both sets.

After Dar et al. (arXiv 2402.01054), who call a synthetic image a copy when it correlates with a training image more than
training images correlate with those of other patients.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthtrace import compute
from synthtrace.features.augment import NOISE, alter
from synthtrace.images import pixel_hash, to_pixels
from synthtrace.selection import correlation

Embed = Callable[[np.ndarray], np.ndarray]

ALTERED_QUANTILE = 0.999
OTHERS_QUANTILE = 0.01
QUERIES = 512
REPORTED = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class References:
    """What one way of measuring says of the training images: distances, and the threshold that follows from them."""

    frames: np.ndarray
    altered: np.ndarray
    others: np.ndarray
    threshold: float

    @property
    def doubtful(self) -> float:
        """What the nearest images of other patients hardly ever reach; infinite where there are no others."""
        return float(np.quantile(self.others, OTHERS_QUANTILE)) if len(self.others) else np.inf

    @classmethod
    def of(cls, frames: np.ndarray, altered: np.ndarray, others: np.ndarray, copy_quantile: float, blind: bool) -> "References":
        """`blind`: alterations do not count in this way of measuring, so that its threshold must reach nearly all of them."""
        frames, altered, others = (values[~np.isnan(values)] for values in (frames, altered, others))
        threshold = float(np.quantile(frames if len(frames) else altered, copy_quantile))
        if blind:
            threshold = max(threshold if len(frames) else 0.0, float(np.quantile(altered, ALTERED_QUANTILE)))
        return cls(frames, altered, others, min(threshold, cls(frames, altered, others, threshold).doubtful))

    def report(self) -> dict[str, Any]:
        """Threshold, quantiles of each reference, and the share of each that lies within the threshold."""
        result: dict[str, Any] = {"threshold": self.threshold}
        for name, values in (("frames", self.frames), ("altered", self.altered), ("others", self.others)):
            result[name] = {
                "count": len(values),
                "within": float(np.mean(values <= self.threshold)) if len(values) else None,
                "quantiles": {str(q): float(np.quantile(values, q)) for q in REPORTED} if len(values) else None,
            }
        return result


class CopyFinder:
    """Training images and what they say of nearness; `find` judges others by it.

    `images` uint8 (N, C, H, W); `manifest` their rows (image_id, patient_id, and group_id where the set has it); `embed` maps
    uint8 images to embeddings (N, D) and is blind to mirroring; `copy_quantile` in [0, 1]. An image without patient id is its
    own patient.
    """

    def __init__(self, images: np.ndarray, manifest: pd.DataFrame, embed: Embed, copy_quantile: float) -> None:
        self.image_ids = manifest["image_id"].to_numpy(dtype=object)
        self.hashes = {pixel_hash(to_pixels(image)) for image in images}
        self._embed = embed
        self._prepared = correlation.prepare(images)
        raw = embed(images).astype(np.float64)
        self._mean, self._scale = raw.mean(axis=0), raw.std(axis=0) + 1e-6
        self._embedded = self._direction(raw)
        self.pixels, self.embedding = self._calibrate(images, manifest, copy_quantile)

    def _direction(self, raw: np.ndarray) -> np.ndarray:
        standard = (raw.astype(np.float64) - self._mean) / self._scale
        return standard / np.linalg.norm(standard, axis=1, keepdims=True).clip(1e-12)

    def _calibrate(self, images: np.ndarray, manifest: pd.DataFrame, copy_quantile: float) -> tuple[References, References]:
        frames, others = _related(manifest)
        pixels: list[list[np.ndarray]] = [[], []]
        embedded: list[list[np.ndarray]] = [[], []]
        for rows in _chunks(len(images)):
            rough = correlation.coarse(self._prepared[rows], self._prepared)
            apart = 1 - self._embedded[rows] @ self._embedded.T
            for way, related in enumerate((frames, others)):
                allowed = related(rows)
                found = correlation.nearest(self._prepared[rows], self._prepared, rough, torch.from_numpy(allowed))
                pixels[way].append(found[1])
                embedded[way].append(_least(apart, allowed)[1])
        frame, other = ([np.concatenate(way) for way in ways] for ways in zip(pixels, embedded, strict=True))
        # the alterations are part of the instrument: the same whatever the study's seed is
        altered = alter(torch.from_numpy(images).float(), compute.generator(0), least_noise=NOISE).round().to(torch.uint8)
        measured = self.measure(altered.numpy())
        return (
            References.of(frame[0], measured["nearest_real_distance"].to_numpy(), other[0], copy_quantile, blind=True),
            References.of(frame[1], measured["embedding_distance"].to_numpy(), other[1], copy_quantile, blind=False),
        )

    def measure(self, images: np.ndarray) -> pd.DataFrame:
        """The nearest training image of each of `images` (M, C, H, W), in both ways.

        Columns: `nearest_real_id` and `nearest_real_distance` (pixels, 0 to 2, 0 for a copy as it is), `embedding_nearest_id`
        and `embedding_distance` (0 to 2).
        """
        prepared, direction = correlation.prepare(images), self._direction(self._embed(images))
        found = []
        for rows in _chunks(len(images)):
            rough = correlation.coarse(prepared[rows], self._prepared)
            everywhere = torch.ones_like(rough.transform, dtype=torch.bool)
            index, distance = correlation.nearest(prepared[rows], self._prepared, rough, everywhere)
            embedded_index, embedded_distance = _least(1 - direction[rows] @ self._embedded.T, everywhere.numpy())
            found.append(
                pd.DataFrame(
                    {
                        "nearest_real_id": self.image_ids[index],
                        "nearest_real_distance": distance,
                        "embedding_nearest_id": self.image_ids[embedded_index],
                        "embedding_distance": embedded_distance,
                    }
                )
            )
        return pd.concat(found, ignore_index=True)

    def find(self, images: np.ndarray) -> pd.DataFrame:
        """`measure`, and `copy`: whether an image is a copy of a training image, by the rule at the top of this file."""
        found = self.measure(images)
        distance = found["nearest_real_distance"]
        near = distance <= self.pixels.threshold
        alike = (found["embedding_distance"] <= self.embedding.threshold) & (distance <= self.pixels.doubtful)
        identical = np.array([pixel_hash(to_pixels(image)) in self.hashes for image in images], dtype=bool)
        found["copy"] = near | alike | identical
        return found

    def report(self) -> dict[str, Any]:
        """Both ways' thresholds and references, for people and for the audit."""
        return {"pixels": self.pixels.report(), "embedding": self.embedding.report()}


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, min(start + QUERIES, count)) for start in range(0, count, QUERIES))


def _related(manifest: pd.DataFrame) -> tuple[Callable[[slice], np.ndarray], Callable[[slice], np.ndarray]]:
    """Of some rows, (rows, N): which are other frames of the same patient, and which are of another patient and group."""
    patient = _codes(manifest["patient_id"])
    group = _codes(manifest["group_id"]) if "group_id" in manifest.columns else patient
    number = np.arange(len(manifest))

    def frames(rows: slice) -> np.ndarray:
        return (patient[rows, None] == patient) & (number[rows, None] != number)

    def others(rows: slice) -> np.ndarray:
        return (patient[rows, None] != patient) & (group[rows, None] != group)

    return frames, others


def _codes(values: pd.Series) -> np.ndarray:
    """(N,) numbers that are equal where values are; a missing value is equal to no other."""
    codes = values.astype("category").cat.codes.to_numpy().astype(np.int64)
    return np.where(codes < 0, -1 - np.arange(len(codes)), codes)


def _least(distance: np.ndarray, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index and value of each row's least allowed distance; -1 and NaN where nothing is allowed."""
    masked = np.where(allowed, distance.clip(0), np.inf)
    index = masked.argmin(axis=1)
    least = masked[np.arange(len(masked)), index]
    found = np.isfinite(least)
    return np.where(found, index, -1), np.where(found, least, np.nan)
