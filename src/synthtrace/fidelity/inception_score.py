"""Inception score (Salimans et al. 2016, section 4): exp of the mean divergence of p(y|x) from p(y).

From 1, when every image gets the same class probabilities, to the number of classes. All images are one set: the usual ten
splits would leave a small pool too few images each.
"""

import numpy as np
import torch


def score(logits: np.ndarray) -> float:
    """Inception score of images by their logits (n, classes)."""
    return float(without(logits, np.ones((1, len(logits)), dtype=bool))[0])


def without(logits: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """(k,) the scores of parts of the images, which `taken` (k, n) chooses.

    The mean divergence is the entropy of the mean probabilities less the mean of the images' entropies.
    """
    probabilities = torch.from_numpy(np.ascontiguousarray(logits, dtype=np.float64)).softmax(dim=1)
    part = torch.from_numpy(taken.astype(np.float64))
    shares = part / part.sum(dim=1, keepdim=True)
    return (_entropy(shares @ probabilities) - shares @ _entropy(probabilities)).exp().numpy()


def _entropy(probabilities: torch.Tensor) -> torch.Tensor:
    return torch.special.entr(probabilities).sum(dim=1)
