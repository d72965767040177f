"""Nearest neighbours among features, chunk by chunk: memory grows with a chunk and never with the product of two sets.

Distances are Euclidean, by one product of matrices a chunk: in float64, of features centred on the mean of the second set, so
that they keep their digits. They are computed on the device that is given.

What a chunk gives is written where it belongs at once: small results that outlive their chunk would lie scattered among the
freed matrices, and the process would grow by nearly all of these.
"""

from collections.abc import Iterator

import numpy as np
import torch

# rows of one set against all of the other at a time
CHUNK = 256
# squared distances below this share of the squared lengths are rounding: the two are one
SAME = 1e-10
CPU = torch.device("cpu")


def radii(features: np.ndarray, neighbours: int, chunk: int = CHUNK, device: torch.device = CPU) -> np.ndarray:
    """(N,) distance of each of `features` (N, D) to its `neighbours`-th nearest other one.

    Infinite where there are not so many others.
    """
    count = len(features)
    if count <= neighbours:
        return np.full(count, np.inf)
    found = np.empty(count)
    for start, distance in _distances(features, features, chunk, device):
        rows = torch.arange(len(distance), device=device)
        distance[rows, start + rows] = torch.inf
        found[start : start + len(distance)] = distance.kthvalue(neighbours, dim=1).values.cpu()
    return found


def realism(
    candidates: np.ndarray, real: np.ndarray, radius: np.ndarray, chunk: int = CHUNK, device: torch.device = CPU
) -> np.ndarray:
    """(M,) realism score of `candidates` (M, D): the greatest radius / distance over `real` (N, D) (paper 4, Eq. 11).

    `radius` (N,) are what `radii` gives; a real image whose radius is NaN counts for nothing. NaN where none counts. A
    candidate that lies on a real image has a large finite score.
    """
    usable = np.isfinite(radius)
    if not usable.any():
        return np.full(len(candidates), np.nan)
    reach = torch.from_numpy(radius[usable]).float().to(device)
    found = np.empty(len(candidates))
    for start, distance in _distances(candidates, real[usable], chunk, device):
        found[start : start + len(distance)] = (reach / distance.clamp_min_(1e-6)).amax(dim=1).cpu()
    return found


def inside(points: np.ndarray, centres: np.ndarray, radius: np.ndarray, chunk: int = CHUNK) -> np.ndarray:
    """(M,) bool: whether each of `points` (M, D) lies within `radius` (N,) of any of `centres` (N, D)."""
    reach = torch.from_numpy(radius).float()
    found = np.empty(len(points), dtype=bool)
    for start, distance in _distances(points, centres, chunk, CPU):
        found[start : start + len(distance)] = (distance <= reach).any(dim=1)
    return found


def _distances(points: np.ndarray, others: np.ndarray, chunk: int, device: torch.device) -> Iterator[tuple[int, torch.Tensor]]:
    """The number of a chunk's first point, and its distances (chunk, N) to all others, float32."""
    mean = others.mean(axis=0, dtype=np.float64)
    there = torch.from_numpy(others - mean).to(device)
    size = there.square().sum(dim=1)
    for start in range(0, len(points), chunk):
        here = torch.from_numpy(points[start : start + chunk] - mean).to(device)
        sizes = here.square().sum(dim=1, keepdim=True) + size
        squared = torch.addmm(sizes, here, there.T, alpha=-2)
        yield start, squared.masked_fill_(squared < SAME * sizes, 0).sqrt_().float()
