"""Random resized crops, for generator training and for the traditional scenario, resampled just as the fixed crops are."""

import numpy as np
from PIL import Image

# sides of a crop differ by at most this factor: a stretched organ is no longer anatomy
RATIO = 1.1

Box = tuple[int, int, int, int]


def random_box(rng: np.random.Generator, height: int, width: int, least: float) -> Box:
    """Left, top, right, bottom of a random crop of at least the share `least` of the area (Szegedy et al. 2015)."""
    area = height * width * rng.uniform(least, 1.0)
    ratio = np.exp(rng.uniform(-np.log(RATIO), np.log(RATIO)))
    crop_height = min(height, round(np.sqrt(area / ratio)))
    crop_width = min(width, round(np.sqrt(area * ratio)))
    top = int(rng.integers(0, height - crop_height + 1))
    left = int(rng.integers(0, width - crop_width + 1))
    return left, top, left + crop_width, top + crop_height


def resized(pixels: np.ndarray, size: int, box: Box | None = None) -> np.ndarray:
    """The box of uint8 pixels, (H, W) or (H, W, 3), at `size` x `size`; bilinear, with antialiasing when it shrinks."""
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR, box=box))


def rotated(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """Uint8 pixels turned about their centre, bilinear; corners without an original become 0."""
    return np.asarray(Image.fromarray(pixels).rotate(degrees, Image.Resampling.BILINEAR))
