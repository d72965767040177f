"""Semantic maps: an image's own brightness classes."""

from functools import cache
from math import comb

import numpy as np
from PIL import Image
from skimage.filters import threshold_multiotsu

# the search goes through comb(bins, classes - 1) sets of thresholds: this many take some milliseconds
MOST_THRESHOLD_SETS = 250_000


@cache
def histogram_bins(classes: int) -> int:
    """The most bins, up to one a grey level, that the search for `classes` classes can afford (51 for 5 classes)."""
    return max(bins for bins in range(classes, 257) if comb(bins, classes - 1) <= MOST_THRESHOLD_SETS)


def luminance(pixels: np.ndarray) -> np.ndarray:
    """(H, W) grey of uint8 (H, W) or (H, W, 3)."""
    return pixels if pixels.ndim == 2 else np.asarray(Image.fromarray(pixels).convert("L"))


def brightness_map(pixels: np.ndarray, classes: int) -> np.ndarray:
    """Class of each pixel's brightness, uint8 (H, W) in [0, classes), 0 the darkest.

    Thresholds maximise the variance between classes (multi-Otsu: Liao, Chen and Chung, J. Inf. Sci. Eng. 17, 2001). An image
    that fills fewer than `classes` bins of the histogram gets one class a filled bin.
    """
    grey = luminance(pixels)
    bins = histogram_bins(classes)
    bin_of_level = np.arange(256) * bins // 256
    counts = np.bincount(bin_of_level, np.bincount(grey.ravel(), minlength=256))
    highest = np.flatnonzero(counts)[:-1]  # of each class but the last, its highest bin
    if len(highest) >= classes:
        highest = threshold_multiotsu(classes=classes, hist=(counts, np.arange(bins)))
    return np.digitize(bin_of_level, highest, right=True).astype(np.uint8)[grey]
