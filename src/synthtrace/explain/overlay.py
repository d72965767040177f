"""SHAP values drawn over their image: red speaks for the class, blue against it (paper 0, Figure 6)."""

import numpy as np
from PIL import Image

# a red and a blue that stay apart for colour-blind eyes and stand out on a dark scan
FOR, AGAINST = (255, 0, 81), (0, 139, 251)


def overlay(image: np.ndarray, values: np.ndarray, limit: float) -> np.ndarray:
    """Colour over the grey image, uint8 (H, W, 3); the opacity of a pixel is |value| / limit, at most 1.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        values: (C, H, W); a pixel's value is their sum over channels.
        limit: the value that is drawn opaque, in logits, shared by all images that are shown together: see `shared_limit`.
    """
    grey = np.asarray(Image.fromarray(image).convert("L"), dtype=np.float64)[..., None]
    value = values.sum(axis=0, dtype=np.float64)[..., None]
    opacity = np.minimum(np.abs(value) / limit, 1)
    colour = np.where(value > 0, np.array(FOR), np.array(AGAINST))
    return (grey * (1 - opacity) + colour * opacity).round().astype(np.uint8)


def shared_limit(values: np.ndarray) -> float:
    """The 99th percentile of a pixel's |value| over images (N, C, H, W): a few extreme pixels then fade no others. Above 0."""
    magnitudes = np.abs(values.sum(axis=1, dtype=np.float64))
    return max(float(np.quantile(magnitudes, 0.99)), np.finfo(np.float64).tiny)
