"""What every candidate of a pool is scored by, whatever is selected: realism, distance to its class, confidence."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from synthtrace.features import neighbours
from synthtrace.params import Selection
from synthtrace.selection.rules import CENTROID, CLASS_REALISM, CONFIDENCE, REALISM


@dataclass(frozen=True)
class Seen:
    """Images as the fold's extractor sees them: features (N, D), class probabilities (N, classes), labels (N,)."""

    features: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray


def scores(candidates: Seen, real: Seen, settings: Selection, device: torch.device) -> pd.DataFrame:
    """A row a candidate: `realism`, `class_realism`, `centroid_distance`, `confidence`, float64.

    `realism` (paper 4, Eq. 11) is the greatest radius / distance over the fold's real training images, `class_realism` over
    those of the candidate's label; radii reach to the `neighbours`-th other image of the set, and with `prune` images whose
    radius is above the set's median count for nothing (Kynkaanniemi et al. 2019). `centroid_distance` is the distance to the
    mean of the real images of the label (paper 3), `confidence` the probability of the label. A label without enough real
    images has NaN.
    """
    own, label = candidates.features, candidates.labels
    by_class, apart = np.full(len(own), np.nan), np.full(len(own), np.nan)
    for one in np.unique(label):
        here, there = label == one, real.features[real.labels == one]
        if len(there):
            by_class[here] = neighbours.realism(own[here], there, _radii(there, settings, device), device=device)
            apart[here] = np.linalg.norm(own[here].astype(np.float64) - there.mean(axis=0, dtype=np.float64), axis=1)
    return pd.DataFrame(
        {
            REALISM: neighbours.realism(own, real.features, _radii(real.features, settings, device), device=device),
            CLASS_REALISM: by_class,
            CENTROID: apart,
            CONFIDENCE: candidates.probabilities[np.arange(len(label)), label].astype(np.float64),
        }
    )


def _radii(features: np.ndarray, settings: Selection, device: torch.device) -> np.ndarray:
    """Radii of real images; NaN for those that are pruned."""
    radius = neighbours.radii(features, settings.neighbours, device=device)
    return np.where(radius > np.median(radius), np.nan, radius) if settings.prune else radius
