"""Ways to disguise an image a little: uint8 pixels (H, W) and a source of randomness to uint8 pixels of the same size."""

from collections.abc import Callable

import numpy as np
from PIL import Image

Disguise = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def as_it_is(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return pixels


def mirrored(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Left and right exchanged."""
    return np.ascontiguousarray(pixels[:, ::-1])


def shifted(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By up to a sixteenth of the side each way; the edge is repeated."""
    side = len(pixels)
    most = max(1, side // 16)
    down, right = rng.integers(-most, most + 1, 2)
    wide = np.pad(pixels, most, mode="edge")
    return np.ascontiguousarray(wide[most + down : most + down + side, most + right : most + right + side])


def cropped(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """85 to 98 % of the side, anywhere, resized to the whole."""
    side = len(pixels)
    least = rng.uniform(0.85, 0.98) * side
    top, left = rng.uniform(0, side - least, 2)
    box = (left, top, left + least, top + least)
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC, box=box))


def rebrightened(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Contrast by up to 15 %, brightness by up to 15 grey levels."""
    return _levels(pixels * rng.uniform(0.85, 1.15) + rng.uniform(-15, 15))


def noised(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of deviation 1 to 5 grey levels."""
    return _levels(pixels + rng.normal(0, rng.uniform(1, 5), pixels.shape))


def together(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All of them, one after the other."""
    for disguise in (mirrored, shifted, cropped, rebrightened, noised):
        pixels = disguise(pixels, rng)
    return pixels


def _levels(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


DISGUISES: dict[str, Disguise] = {
    "as it is": as_it_is,
    "mirrored": mirrored,
    "shifted a little": shifted,
    "cropped a little": cropped,
    "re-brightened": rebrightened,
    "with light noise": noised,
    "all of these": together,
}
