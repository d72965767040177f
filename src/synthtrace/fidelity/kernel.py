"""Kernel distance: unbiased squared maximum mean discrepancy under a cubic kernel (Binkowski et al. 2018, section 4.1).

The kernel is k(x, y) = (x'y / D + 1)^3. Unlike the Frechet distance it does not read high on small samples of independent
images (frames of one patient are none); it may fall below 0. All images are used at once, not subsets of them.
"""

import numpy as np
import torch


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Kernel distance between feature sets (n1, D) and (n2, D), each of two images or more."""
    return float(without(first, second, np.ones((1, len(first)), dtype=bool))[0])


def without(first: np.ndarray, second: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """(k,) distances of parts of `first`, which `taken` (k, n1) chooses, to all of `second`; NaN for a part of one image."""
    a, b = (torch.from_numpy(np.ascontiguousarray(features, dtype=np.float64)) for features in (first, second))
    part, all_of_second = torch.from_numpy(taken.astype(np.float64)), torch.ones(1, len(second), dtype=torch.float64)
    across = (part @ _kernel(a, b).mean(dim=1)) / part.sum(dim=1)
    return (_within(a, part) + _within(b, all_of_second) - 2 * across).numpy()


def _kernel(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _within(features: torch.Tensor, taken: torch.Tensor) -> torch.Tensor:
    """Mean of the kernel over pairs of different images."""
    kernel = _kernel(features, features).fill_diagonal_(0)
    count = taken.sum(dim=1)
    return ((taken @ kernel) * taken).sum(dim=1) / (count * (count - 1))
