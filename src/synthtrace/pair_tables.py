"""Pairs of image and mask, read with their rows; the ledger of a pool of pairs, which is a pool's ledger and says more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import load_stack, pixel_hash, to_pixels
from synthtrace.tables import LEDGER, read_folds, read_ledger, read_manifest, with_role

# cluster: of the generator's training images; empty where one generator learnt from all
OF_PAIRS = ["mask_path", "mask_hash", "mask_sha256", "cluster"]
PAIR_LEDGER = [*LEDGER, *OF_PAIRS]


@dataclass(frozen=True)
class Pairs:
    """Images uint8 (N, C, S, S) and masks uint8 (N, 1, S, S) of 0 and 255, and their N rows of a manifest or a ledger."""

    images: np.ndarray
    masks: np.ndarray
    rows: pd.DataFrame

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def image_ids(self) -> list[str]:
        """Ids in the rows' order."""
        return self.rows["image_id"].astype(str).tolist()

    @property
    def lesions(self) -> np.ndarray:
        """(N,) bool: which masks are not empty."""
        return np.asarray(self.masks.any(axis=(1, 2, 3)))

    def take(self, positions: Sequence[int] | np.ndarray) -> "Pairs":
        """The pairs at these positions, in their order."""
        chosen = np.asarray(positions, dtype=np.int64)
        return Pairs(self.images[chosen], self.masks[chosen], self.rows.iloc[chosen].reset_index(drop=True))

    def of(self, image_ids: Iterable[str]) -> "Pairs":
        """The pairs of these ids, in their order, as often as they are named; raises InputError for an unknown one."""
        place = {image_id: position for position, image_id in enumerate(self.image_ids)}
        wanted = [str(image_id) for image_id in image_ids]
        if unknown := [image_id for image_id in wanted if image_id not in place]:
            raise InputError(f"image_id {unknown[0]!r}: none of the {len(self)} pairs that were read")
        return self.take([place[image_id] for image_id in wanted])


def load_pairs(folder: Path, rows: pd.DataFrame, channels: int) -> Pairs:
    """The pairs that rows of a manifest or of a ledger name in a folder; of no rows, none, of no side.

    Raises:
        InputError: a file is missing or unreadable, or its pixels are not those of `pixel_hash` and
            `mask_hash`.
    """
    if rows.empty:
        return Pairs(np.empty((0, channels, 0, 0), np.uint8), np.empty((0, 1, 0, 0), np.uint8), rows.reset_index(drop=True))
    images = _checked(folder, rows["path"], rows["pixel_hash"], channels)
    masks = _checked(folder, rows["mask_path"], rows["mask_hash"], 1)
    return Pairs(images, masks, rows.reset_index(drop=True))


def training_pairs(study: Path, fold: int, channels: int) -> Pairs:
    """The training pairs of a fold of the study in this folder, in the manifest's order.

    Raises InputError when there are none, and as `load_pairs`.
    """
    crops = study / "data/crops"
    rows = with_role(read_manifest(crops), read_folds(study / "data/folds/folds.csv"), fold, "train")
    if rows.empty:
        raise InputError(f"{study / 'data/folds/folds.csv'}: no image has the role 'train' in fold {fold}; expected some")
    return load_pairs(crops, rows, channels)


def _checked(folder: Path, paths: pd.Series, hashes: pd.Series, channels: int) -> np.ndarray:
    stack = load_stack([folder / path for path in paths], channels)
    for path, expected, image in zip(paths, hashes, stack, strict=True):
        found = pixel_hash(to_pixels(image))
        if found != expected:
            raise InputError(f"{folder / path}: expected the pixels {expected[:12]} that its table names, found {found[:12]}")
    return stack


def read_pair_ledger(pool: Path) -> pd.DataFrame:
    """`ledger.parquet` of a pool of pairs: one row a pair, in bijection with `images/` and with `masks/`."""
    ledger = read_ledger(pool)
    missing = [name for name in OF_PAIRS if name not in ledger.columns]
    if missing:
        raise InputError(
            f"{Path(pool) / 'ledger.parquet'}: missing column {missing[0]!r}, which a pool of pairs has; it has "
            f"{', '.join(ledger.columns)}"
        )
    return ledger


def write_pair_ledger(pool: Path, ledger: pd.DataFrame) -> None:
    """Write the ledger of a pool of pairs, the contract's columns (PAIR_LEDGER) first; further ones ride behind."""
    riding = [name for name in ledger.columns if name not in PAIR_LEDGER]
    ledger[PAIR_LEDGER + riding].to_parquet(Path(pool) / "ledger.parquet", index=False)
