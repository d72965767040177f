"""A built reader test on disk: `images/`, with pairs `masks/` too, which readers see, and `key.csv`, which they must not."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import file_sha256

IMAGES = "images"
MASKS = "masks"
KEY_FILE = "key.csv"
REAL, SYNTHETIC = "real", "synthetic"
KEY = [
    "number",
    "image_id",
    "source",
    "kind",
    "fold",
    "label",
    "label_name",
    "patient_id",
    "pixel_hash",
    "file_sha256",
]
PAIR_KEY = [*KEY, "mask_hash", "mask_sha256"]
_TEXT = {name: "str" for name in PAIR_KEY if name not in ("number", "label")}


def image_name(number: int) -> str:
    """File name of the image that readers see as number `number`, from 1."""
    return f"{number:03d}.png"


def image_paths(folder: Path) -> list[Path]:
    """The images of a built test in the readers' order.

    Raises InputError when there are none, or when one is missing from the row of their numbers.
    """
    paths = sorted((folder / IMAGES).glob("*.png"))
    if not paths:
        raise InputError(f"{folder / IMAGES}: holds no images; make a reader test by `synthtrace turing build {folder}`")
    return _numbered(paths)


def mask_paths(folder: Path) -> list[Path]:
    """The masks of a test of pairs in the readers' order; none of a test of images.

    Raises InputError when there are some, but not one for every image.
    """
    paths = _numbered(sorted((folder / MASKS).glob("*.png")))
    if paths and len(paths) != len(image_paths(folder)):
        raise InputError(
            f"{folder / MASKS}: holds {len(paths)} masks of {len(image_paths(folder))} images; build the test anew"
        )
    return paths


def _numbered(paths: list[Path]) -> list[Path]:
    for number, path in enumerate(paths, start=1):
        if path.name != image_name(number):
            raise InputError(f"{path.parent}: expected {image_name(number)}, found {path.name}; build the test anew")
    return paths


def digest_of(digests: Iterable[str]) -> str:
    """What identifies a test: hex sha256 of the digests of its image files, then its mask files, in the readers' order."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def shown_digest(folder: Path) -> str:
    """`digest_of` of the images and masks as they lie there."""
    return digest_of(file_sha256(path) for path in [*image_paths(folder), *mask_paths(folder)])


def has_pairs(key: pd.DataFrame) -> bool:
    """Whether a key is of a test of pairs."""
    return "mask_sha256" in key.columns


def key_digest(key: pd.DataFrame) -> str:
    """`digest_of` the images and masks that a key names."""
    return digest_of([*key["file_sha256"], *(key["mask_sha256"] if has_pairs(key) else [])])


def read_key(folder: Path) -> pd.DataFrame:
    """`key.csv`, one row an image in the readers' order; what a source has not (`kind`, `fold`, `patient_id`) is empty text.

    A test of pairs has the columns of PAIR_KEY, one of images those of KEY.
    """
    path = folder / KEY_FILE
    try:
        key = pd.read_csv(path, dtype=_TEXT, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected the key that `synthtrace turing build {folder}` wrote") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path}: not a readable key ({error})") from None
    missing = [name for name in KEY if name not in key.columns]
    if missing:
        raise InputError(f"{path}: missing column {missing[0]!r}; it has {', '.join(key.columns)}")
    if list(key["number"]) != list(range(1, len(key) + 1)):
        raise InputError(f"{path}: expected the numbers 1 to {len(key)} in order, one a row")
    return key
