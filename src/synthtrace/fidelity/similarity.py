"""How varied a set of images is: the mean similarity of pairs of its images of one class (Odena et al. 2017; paper 2, Table 2).

Pairs are disjoint and, of real images, of two patients: their values are as good as independent, and the interval is that of a
mean. Which images are paired is drawn from a stream of its own.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as multiscale

from synthtrace.fidelity.jackknife import Measured

MS_SSIM, LPIPS = "ms_ssim", "lpips"
# Wang et al. (2003): window of 11 pixels (sigma 1.5), and the weights of five scales, the finest first
WINDOW, SIGMA = 11, 1.5
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
BATCH = 64


def scales(side: int) -> int:
    """How many of the five scales an image of that side has room for: 3 at 96 pixels, 0 below 11.

    The window fits into each of them, and torchmetrics' own bound on the fourth holds.
    """
    return max((count for count in range(1, 6) if side // max(2 ** (count - 1), (count - 1) ** 2) >= WINDOW), default=0)


def settings(side: int, pairs: int) -> dict[str, Any]:
    """What metrics/fidelity.json says of the measure."""
    return {"window": WINDOW, "sigma": SIGMA, "scales": scales(side), "pairs_a_class": pairs}


def ms_ssim(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Multi-scale structural similarity (B,), from 0 to 1, of uint8 images (B, C, H, W).

    Weights of as many scales as there is room for are scaled to a sum of 1; negative similarities count as 0.
    """
    weights = WEIGHTS[: scales(first.shape[-1])]
    return multiscale(
        first.float(),
        second.float(),
        sigma=SIGMA,
        kernel_size=WINDOW,
        reduction="none",
        data_range=255.0,
        betas=tuple(weight / sum(weights) for weight in weights),
        normalize="relu",
    ).flatten()


def pairs(labels: np.ndarray, names: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """(P, 2) positions of disjoint pairs of one label and two names, `most` a label at most, as `rng` deals them."""
    found = []
    for label in np.unique(labels):
        order = rng.permutation(np.flatnonzero(labels == label))
        couples = order[: len(order) // 2 * 2].reshape(-1, 2)
        found.append(couples[names[couples[:, 0]] != names[couples[:, 1]]][:most])
    return np.concatenate(found) if found else np.empty((0, 2), dtype=int)


def mean(pixels: np.ndarray, couples: np.ndarray, measure: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Measured:
    """Mean of a measure over pairs (P, 2) of images uint8 (N, C, H, W); undefined without a pair."""
    if not len(couples):
        return Measured(None)
    chunks = np.array_split(couples, -(-len(couples) // BATCH))
    with torch.inference_mode():
        values = [measure(*(torch.from_numpy(pixels[chunk[:, side]]) for side in (0, 1))) for chunk in chunks]
    value = torch.cat(values).double().cpu().numpy()
    deviation = float(value.std(ddof=1) / np.sqrt(len(value))) if len(value) > 1 else None
    return Measured(float(value.mean()), deviation, len(value) - 1)
