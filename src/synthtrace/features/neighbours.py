"""Nearest neighbours among features, chunk by chunk: memory grows with a chunk and never with the product of two sets.

Distances are Euclidean, of features centred on the mean of the real ones, so that float32 keeps their digits.
"""

from collections.abc import Iterator

import numpy as np
import torch

# rows of one set against all of the other at a time
CHUNK = 1024


def radii(features: np.ndarray, neighbours: int, chunk: int = CHUNK) -> np.ndarray:
    """(N,) distance of each of `features` (N, D) to its `neighbours`-th nearest other one.

    Infinite where there are not so many others.
    """
    count = len(features)
    if count <= neighbours:
        return np.full(count, np.inf)
    found = []
    for start, distance in _distances(features, features, chunk):
        rows = torch.arange(len(distance))
        distance[rows, start + rows] = torch.inf
        found.append(distance.kthvalue(neighbours, dim=1).values)
    return torch.cat(found).double().numpy()


def realism(candidates: np.ndarray, real: np.ndarray, radius: np.ndarray, chunk: int = CHUNK) -> np.ndarray:
    """(M,) realism score of `candidates` (M, D): the greatest radius / distance over `real` (N, D) (paper 4, Eq. 11).

    `radius` (N,) are what `radii` gives; a real image whose radius is NaN counts for nothing. NaN where none counts. A
    candidate that lies on a real image has a large finite score.
    """
    usable = np.isfinite(radius)
    if not usable.any():
        return np.full(len(candidates), np.nan)
    reach = torch.from_numpy(radius[usable]).float()
    found = [(reach / distance.clamp_min(1e-6)).amax(dim=1) for _, distance in _distances(candidates, real[usable], chunk)]
    return torch.cat(found).double().numpy() if found else np.empty(0)


def inside(points: np.ndarray, centres: np.ndarray, radius: np.ndarray, chunk: int = CHUNK) -> np.ndarray:
    """(M,) bool: whether each of `points` (M, D) lies within `radius` (N,) of any of `centres` (N, D)."""
    reach = torch.from_numpy(radius).float()
    found = [(distance <= reach).any(dim=1) for _, distance in _distances(points, centres, chunk)]
    return torch.cat(found).numpy() if found else np.empty(0, dtype=bool)


def _distances(points: np.ndarray, others: np.ndarray, chunk: int) -> Iterator[tuple[int, torch.Tensor]]:
    """The number of a chunk's first point, and its distances (chunk, N) to all others."""
    mean = others.mean(axis=0, dtype=np.float64)
    there = torch.from_numpy((others - mean).astype(np.float32))
    for start in range(0, len(points), chunk):
        here = torch.from_numpy((points[start : start + chunk] - mean).astype(np.float32))
        yield start, torch.cdist(here, there, compute_mode="donot_use_mm_for_euclid_dist")
