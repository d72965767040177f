"""Inception's features of images resized with antialiasing (Parmar et al. 2022, section 3.1; paper 2, section 3.4).

Parmar et al. resize each channel by Pillow's bicubic filter, whose support grows as the image shrinks, in 32-bit floats. So it
is here, but that torch-fidelity's network takes 8-bit images only: values are rounded to these. Given 299 x 299 pixels, the
network's own resizing changes nothing.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from synthtrace.features import cache
from synthtrace.fidelity.inception import Inception

SIDE = 299
RESIZE = "299 x 299, bicubic, antialiased by Pillow in 32-bit floats, rounded to 8 bits"
CHUNK = 256  # images at a time: bounds memory


def resized(images: np.ndarray) -> np.ndarray:
    """Uint8 (N, C, 299, 299) of uint8 images (N, C, H, W)."""
    found = np.empty((*images.shape[:2], SIDE, SIDE), dtype=np.uint8)
    for place in np.ndindex(*images.shape[:2]):
        grown = Image.fromarray(images[place].astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        found[place] = np.asarray(grown).round().clip(0, 255)
    return found


def look(network: Inception, images: np.ndarray, folder: Path | None) -> np.ndarray:
    """Features (N, 2048), float32, of uint8 images (N, 1 or 3, H, W), remembered in a folder (None: computed anew)."""

    def compute() -> list[np.ndarray]:
        chunks = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
        return [np.concatenate([network.look(resized(chunk))[0] for chunk in chunks])]

    if folder is None:
        return compute()[0]
    return cache.remembered(network.sha256, RESIZE, network.device, images, compute, folder)[0]
