"""Writing a reader test without a hint of which image is which."""

import hashlib
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from synthtrace.errors import InputError
from synthtrace.images import load_stack, pixel_hash, to_pixels
from synthtrace.params import Params
from synthtrace.turing.draw import draw
from synthtrace.turing.key import IMAGES, KEY, KEY_FILE, MASKS, PAIR_KEY, image_name
from synthtrace.turing.plan import Plan, plan_of

# every file bears one and the same time: 2000-01-01
WHEN = 946_684_800


def encode(pixels: np.ndarray) -> bytes:
    """PNG bytes whose length depends on nothing but the size of the image: nothing is compressed, no metadata."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=0)
    return buffer.getvalue()


def build(root: Path, out: Path, study: Params | Plan) -> pd.DataFrame:
    """Draw a test and write `out`: `images/` for readers, `key.csv` for nobody but `score`; returns the key.

    A test of pairs has `masks/` beside `images/`, under the same names. The same data and parameters give the same files. The
    folder, which may hold images of patients, tells Git to ignore it.

    Raises:
        InputError: `out` is there already (readers may have begun, and what was shown must stay as it is), or as in `draw`, or
            an image or a mask is not the one that its table names, or a mask is no mask of its image.
    """
    if out.exists():
        raise InputError(f"{out}: is there already; name another folder, or delete this one and all answers in it")
    plan = plan_of(study)
    chosen = draw(root, plan)
    images = _pixels(root, chosen["path"], chosen["pixel_hash"], plan.channels)
    parts = {IMAGES: [encode(pixels) for pixels in images]}
    if plan.pairs:
        masks = _pixels(root, chosen["mask_path"], chosen["mask_hash"], 1)
        _expect_binary(root, chosen["mask_path"], masks, images[0].shape[:2])
        parts[MASKS] = [encode(pixels) for pixels in masks]
        chosen = chosen.assign(mask_sha256=_digests(parts[MASKS]))
    key = chosen.assign(file_sha256=_digests(parts[IMAGES]))[PAIR_KEY if plan.pairs else KEY]
    half = out.with_name(f"{out.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    (half / ".gitignore").write_text("*\n")
    for part, contents in parts.items():
        _write(half / part, contents)
    key.to_csv(half / KEY_FILE, index=False, lineterminator="\n")
    half.replace(out)
    return key


def _digests(contents: list[bytes]) -> list[str]:
    return [hashlib.sha256(content).hexdigest() for content in contents]


def _write(folder: Path, contents: list[bytes]) -> None:
    folder.mkdir()
    for number, content in enumerate(contents, start=1):
        path = folder / image_name(number)
        path.write_bytes(content)
        os.utime(path, (WHEN, WHEN))


def _pixels(root: Path, paths: pd.Series, hashes: pd.Series, channels: int) -> list[np.ndarray]:
    """The chosen images as they will be served, checked against the tables that name them."""
    images = [to_pixels(image) for image in load_stack([root / path for path in paths], channels)]
    for path, expected, pixels in zip(paths, hashes, images, strict=True):
        if pixel_hash(pixels) != expected:
            raise InputError(f"{root / path}: its pixels are not those that its table names")
    return images


def _expect_binary(root: Path, paths: pd.Series, masks: list[np.ndarray], size: tuple[int, ...]) -> None:
    for path, mask in zip(paths, masks, strict=True):
        if mask.shape != size:
            raise InputError(f"{root / path}: expected a mask of size {size}, as the images have, found {mask.shape}")
        if not np.isin(mask, (0, 255)).all():
            raise InputError(f"{root / path}: expected a mask of 0 and 255 alone")
