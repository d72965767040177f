"""Frechet distance between two feature sets (Heusel et al. 2017, equation 6), from a Gram matrix in float64.

    |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

with means m and covariances S (of n - 1). With centred features X, S = X'X / (n - 1), and the non-zero eigenvalues of S1 S2 are
the squared singular values of X1 X2' over (n1 - 1)(n2 - 1). The last trace is therefore the sum of the singular values of an
n1 x n2 matrix: with fewer images than features no D x D matrix is ever made, and no root is taken of the rounding errors of
eigenvalues that are zero.

The distance of small samples reads high: each set adds about tr S / n. Compare distances only at like numbers of images.
"""

from typing import NamedTuple

import numpy as np
import torch

# elements of the matrices that are worked on at a time: 32 MB
CHUNK = 2**22


class _Centred(NamedTuple):
    mean: torch.Tensor
    features: torch.Tensor


def _centred(features: np.ndarray) -> _Centred:
    rows = torch.from_numpy(np.ascontiguousarray(features, dtype=np.float64))
    mean = rows.mean(dim=0)
    return _Centred(mean, rows - mean)


def _factor(centred: torch.Tensor) -> torch.Tensor:
    """A matrix of at most D rows with the same X'X: with more images than features, the R of X = QR."""
    images, width = centred.shape
    return torch.linalg.qr(centred, mode="r").R if images > width else centred


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Frechet distance, at least 0, between feature sets (n1, D) and (n2, D), each of two images or more.

    The cost is that of the singular values of a matrix of min(n1, D) x min(n2, D).
    """
    a, b = _centred(first), _centred(second)
    one, other = len(first) - 1, len(second) - 1
    common = torch.linalg.svdvals(_factor(a.features) @ _factor(b.features).T).sum() / (one * other) ** 0.5
    spread = a.features.square().sum() / one + b.features.square().sum() / other
    return max(float((a.mean - b.mean).square().sum() + spread - 2 * common), 0.0)


def without(first: np.ndarray, second: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """(k,) distances of parts of `first`, which `taken` (k, n1) chooses, to all of `second`; NaN for a part of one image.

    X1 X2' is made once, and centred anew for each part. The squares of singular values are taken from its product with itself,
    which costs half the digits: some 1e-8 of the distance, far below what leaving images out makes of it.
    """
    a, b = _centred(first), _centred(second)
    gram = a.features @ b.features.T
    step = max(1, CHUNK // gram.numel())
    masks = torch.from_numpy(taken.astype(np.float64)).split(step)
    return torch.cat([_parts(a, b, gram, mask) for mask in masks]).numpy()


def _parts(a: _Centred, b: _Centred, gram: torch.Tensor, taken: torch.Tensor) -> torch.Tensor:
    count = taken.sum(dim=1)
    mean = taken @ a.features / count[:, None]
    squares = taken @ a.features.square().sum(dim=1) - count * mean.square().sum(dim=1)
    shift = taken @ gram / count[:, None]
    matrix = (gram - shift[:, None, :]) * taken[:, :, None]
    if gram.shape[0] < gram.shape[1]:
        matrix = matrix.transpose(1, 2)
    squared = torch.linalg.eigvalsh(matrix.transpose(1, 2) @ matrix)
    other = len(b.features) - 1
    common = squared.clamp_min(0).sqrt().sum(dim=1) / ((count - 1) * other).sqrt()
    apart = (a.mean + mean - b.mean).square().sum(dim=1)
    spread = squares / (count - 1) + b.features.square().sum() / other
    return (apart + spread - 2 * common).clamp_min(0)
