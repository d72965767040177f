"""8-bit image files, the pixel hash, and arrays of images."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from synthtrace.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


def read_image(path: Path, channels: int | None = None) -> np.ndarray:
    """Decode a PNG, JPEG or TIFF to uint8, (H, W) for grey or (H, W, 3) for colour.

    `channels` 1 or 3 converts; without it the file decides. Raises InputError naming the file when it is missing, empty,
    truncated or no image, or when it is not 8-bit.
    """
    try:
        with Image.open(path) as image:
            if image.format == "TIFF" and getattr(image, "n_frames", 1) > 1:
                raise InputError(f"{path}: holds {image.n_frames} frames; expected one image a file")  # type: ignore[attr-defined]
            image.load()
    except FileNotFoundError:
        raise InputError(f"{path}: no such image file") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise InputError(f"{path}: not a readable image ({error})") from None
    if image.mode.startswith("I") or image.mode == "F":
        raise InputError(f"{path}: expected an 8-bit image, found mode {image.mode}")
    grey = channels == 1 or (channels is None and image.mode in ("1", "L", "LA"))
    return np.asarray(image.convert("L" if grey else "RGB"))


def write_image(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 pixels, (H, W) or (H, W, 3), as PNG; the same pixels give the same bytes."""
    if pixels.dtype != np.uint8:
        raise TypeError(f"{path}: expected uint8 pixels, found {pixels.dtype}")
    Image.fromarray(pixels).save(path, format="PNG", compress_level=6)


def pixel_hash(pixels: np.ndarray) -> str:
    """Hex sha256 of shape, dtype and decoded pixels: equal for re-encoded copies of one image."""
    digest = hashlib.sha256(f"{pixels.shape}{pixels.dtype}".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_stack(paths: Iterable[Path], channels: int) -> np.ndarray:
    """Images of one size as uint8 (N, C, H, W); raises InputError naming the first file of another size."""
    images: list[np.ndarray] = []
    for path in paths:
        pixels = read_image(path, channels)
        if images and pixels.shape != images[0].shape:
            raise InputError(f"{path}: expected size {images[0].shape[:2]}, found {pixels.shape[:2]}")
        images.append(pixels)
    stack = np.stack(images)
    return stack[:, None] if channels == 1 else np.ascontiguousarray(stack.transpose(0, 3, 1, 2))


def to_pixels(image: np.ndarray) -> np.ndarray:
    """(C, H, W) uint8 to what write_image takes: (H, W) or (H, W, 3)."""
    return image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
