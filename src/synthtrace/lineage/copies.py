"""The search for copies and the scores of selection, run again: every candidate of a fold against its training images.

Nothing of it is new: `selection.copies.CopyFinder` measures and judges, `selection.scores` scores. Held-out images are searched
for as well. Embeddings are computed anew; the scratch cache, which
anybody can write to, is not read.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import load_stack, pixel_hash, read_image, to_pixels
from synthtrace.lineage.study import Study
from synthtrace.params import Params
from synthtrace.tables import with_role

if TYPE_CHECKING:
    import torch

    from synthtrace.selection.copies import CopyFinder

Scorer = Callable[[np.ndarray, np.ndarray], pd.DataFrame]


@dataclass(frozen=True)
class Reference:
    """A fold's training images as the search sees them, and what it says of the fold's held-out (test) images.

    `score` gives the scores of selection of candidates (M, C, H, W) with their labels (M,).
    """

    finder: "CopyFinder"
    score: Scorer
    training: pd.DataFrame
    held_out: pd.DataFrame
    size: tuple[int, ...]


@dataclass(frozen=True)
class Candidates:
    """A pool's candidates: `found` has a row for each that could be read, with ledger, selection and what the search says now.

    Columns of the selection end in `_stored`; `sampled` says whether the file holds the ledger's pixels. `missing` are the
    others: an error sentence by image_id. `complete`: every row of ledger and selection is in `found`, once.
    """

    found: pd.DataFrame
    missing: dict[str, str]
    complete: bool


@contextmanager
def reference(study: Study, fold: int, params: Params, device: "torch.device") -> Iterator[Reference]:
    """Calibrate the search on a fold's training images, with the parameters that the selection ran with.

    Raises InputError when images or extractor cannot be read.
    """
    from synthtrace.features import cache
    from synthtrace.selection.copies import CopyFinder
    from synthtrace.selection.scores import Seen, scores

    training, images = _crops(study, fold, "train", params)
    if training.empty:
        raise InputError(f"{study.path('data/folds/folds.csv')}: expected images with role 'train' in fold {fold}, found none")
    extractor = read_extractor(study.root / f"data/features/fold{fold}", device)
    with TemporaryDirectory() as folder:

        def embed(images: np.ndarray) -> np.ndarray:
            found = cache.embeddings(extractor, images, mirrored=True, cache=Path(folder))
            if not np.isfinite(found).all():
                raise InputError(f"data/features/fold{fold}: expected finite embeddings, found others")
            return found

        def seen(images: np.ndarray, labels: np.ndarray) -> Seen:
            return Seen(embed(images), extractor.probabilities(images), labels)

        real = seen(images, training["label"].to_numpy(dtype=np.int64))
        finder = CopyFinder(images, training, embed, params.selection.copy_quantile)
        held_out, others = _crops(study, fold, "test", params)

        def score(images: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
            return scores(seen(images, labels), real, params.selection, device)

        yield Reference(finder, score, training, finder.find(others) if len(held_out) else pd.DataFrame(), images.shape[1:])


def candidates(study: Study, kind: str, fold: int, against: Reference) -> Candidates:
    """Judge a pool's candidates again; raises InputError when ledger or selection cannot be read."""
    ledger, selection = study.ledger(kind, fold), study.selection(kind, fold)
    table = ledger[["image_id", "path", "pixel_hash"]].merge(selection, on="image_id").drop_duplicates("image_id")
    table = table.assign(kept=table["kept"].eq(True), copy=table["copy"].eq(True))
    images, missing = {}, {}
    for image_id, path in zip(table["image_id"], table["path"], strict=True):
        try:
            images[image_id] = _image(study.pool(kind, fold) / str(path), against.size)
        except InputError as error:
            missing[str(image_id)] = str(error)
    table = table[table["image_id"].isin(images)].reset_index(drop=True)
    if table.empty:
        return Candidates(table, missing, False)
    pixels = np.stack(list(images.values()))
    found = against.finder.find(pixels).join(against.score(pixels, table["label"].to_numpy(dtype=np.int64)))
    stored = [name for name in selection.columns if name in found.columns]
    table = table.rename(columns={name: f"{name}_stored" for name in stored}).join(found)
    table["sampled"] = [pixel_hash(to_pixels(image)) for image in images.values()] == table["pixel_hash"]
    return Candidates(table, missing, len(table) == len(ledger) == len(selection) and bool(table["sampled"].all()))


def report(found: pd.DataFrame, against: Reference) -> dict[str, Any]:
    """What copies.json should say of a pool's candidates."""
    copies = found[found["copy"]]
    return {
        "candidates": len(found),
        "copies": len(copies),
        "training_images": len(against.training),
        "copied_training_images": int(copies["nearest_real_id"].nunique()),
        **against.finder.report(),
    }


def _crops(study: Study, fold: int, role: str, params: Params) -> tuple[pd.DataFrame, np.ndarray]:
    rows = with_role(study.manifest, study.folds, fold, role)
    folder = study.path("data/crops")
    images = load_stack([folder / path for path in rows["path"]], params.preprocess.channels) if len(rows) else np.empty(0)
    return rows, images


def _image(path: Path, size: tuple[int, ...]) -> np.ndarray:
    pixels = read_image(path, size[0])
    image = pixels[None] if size[0] == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
    if image.shape != size:
        raise InputError(f"{path}: expected size {size[1:]}, found {image.shape[1:]}")
    return image


def read_extractor(folder: Path, device: "torch.device") -> Any:
    """The fold's extractor. What a damaged file makes the libraries raise has no base class of its own."""
    from synthtrace.features import extractor

    try:
        return extractor.load(folder, device)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{folder}: not a readable extractor ({' '.join(str(error).split())[:200]})") from None
