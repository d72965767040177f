"""Improved precision and recall (Kynkaanniemi et al. 2019), and the F1 of the two (paper 4, Eq. 12).

Precision is the share of generated images within the real manifold, recall that of real images within the generated one. A
manifold is the union of spheres around a set's features, each of which reaches to the k-th nearest other one.

The intervals hold both manifolds fixed: they speak of which images are asked whether they lie within, not of how the
manifolds would move with other images.
"""

import numpy as np

from synthtrace.features import neighbours
from synthtrace.fidelity.jackknife import Measured, Units, together


def score(own: np.ndarray, others: np.ndarray, units: tuple[Units, Units], k: int) -> tuple[Measured, Measured, Measured]:
    """Precision, recall and F1 of generated features `own` (n, D) against real ones `others` (m, D), each from 0 to 1.

    `units` say what of each set is left out as one. Undefined where a set has no more than `k` images.
    """
    if min(len(own), len(others)) <= k:
        return Measured(None), Measured(None), Measured(None)
    within = neighbours.inside(own, others, neighbours.radii(others, k)).astype(float)
    covered = neighbours.inside(others, own, neighbours.radii(own, k)).astype(float)
    precision, recall = float(within.mean()), float(covered.mean())
    without = [(unit.taken @ flags) / unit.taken.sum(axis=1) for unit, flags in zip(units, (within, covered), strict=True)]
    deviations = [(unit.deviation(values), unit.freedom) for unit, values in zip(units, without, strict=True)]
    of_f1 = [
        (units[0].deviation(f1(without[0], recall)), units[0].freedom),
        (units[1].deviation(f1(precision, without[1])), units[1].freedom),
    ]
    return (
        together(precision, deviations[:1]),
        together(recall, deviations[1:]),
        together(float(f1(precision, recall)), of_f1),
    )


def f1(precision: np.ndarray | float, recall: np.ndarray | float) -> np.ndarray:
    """Harmonic mean, 0 where both are 0."""
    total = np.asarray(precision + recall, dtype=np.float64)
    return np.where(total > 0, 2 * precision * recall / np.where(total > 0, total, 1.0), 0.0)
