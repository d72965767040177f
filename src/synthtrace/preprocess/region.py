"""The region of interest: the scanned sector without what is burnt in around it."""

import numpy as np
from scipy import ndimage
from skimage.measure import label

# a pixel at or below this grey level is background: JPEG leaves a few grey levels of noise around a black surround
BACKGROUND = 8


def region_mask(pixels: np.ndarray) -> np.ndarray:
    """Boolean (H, W): the largest 4-connected component of pixels above BACKGROUND in any channel, its holes filled.

    An image without a pixel above BACKGROUND is all region.
    """
    brightest = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    components = label(brightest > BACKGROUND, connectivity=1)
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    if not sizes.any():
        return np.ones(brightest.shape, dtype=bool)
    return ndimage.binary_fill_holes(components == sizes.argmax())


def region_of_interest(pixels: np.ndarray) -> np.ndarray:
    """Crop uint8 pixels, (H, W) or (H, W, 3), to the bounding box of `region_mask`; pixels outside the mask become 0."""
    mask = region_mask(pixels)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    inside = mask[box] if pixels.ndim == 2 else mask[box][..., None]
    return np.where(inside, pixels[box], np.uint8(0))
