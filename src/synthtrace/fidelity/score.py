"""Fidelity of every pool of a study: metrics/fidelity.json, a pure function of images and extractors.

The reference is the fold's held-out (test) images of the same classes, as in paper 0. Beside the pools, raw and kept, stand the
fold's own training images: real images of other patients, the floor that a generator is measured against. In the in-domain
space they may read farther than new images would, since the extractor was fitted to them. Only Inception's figures are called
`fid`, `kid` and `inception_score`; those in the extractor's space are `fd_` and `kd_` and its backbone. Each fold has an
extractor of its own: such figures compare the pools of a fold, and their means over folds the kinds of a study, but not one
study with another.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthtrace.errors import InputError
from synthtrace.features.cache import CACHE
from synthtrace.fidelity import inception
from synthtrace.fidelity.cells import Images, least, score
from synthtrace.fidelity.jackknife import Measured, mean
from synthtrace.fidelity.sight import Sight
from synthtrace.images import load_stack
from synthtrace.params import REAL, Params
from synthtrace.selection import rules
from synthtrace.selection.pool import load_pool
from synthtrace.stage import progress
from synthtrace.tables import read_folds, read_manifest, read_selection

ALL = "all"


@dataclass(frozen=True)
class Cell:
    """A kind's images of a fold, part and class against those held out: the head of its row, and its metrics."""

    head: dict[str, Any]
    found: dict[str, Measured]


def from_workspace(root: Path, params: Params, device: torch.device, cached: bool) -> dict[str, Any]:
    """What metrics/fidelity.json should hold, of the crops, folds, extractors, pools and selections in `root`/data.

    `cached` False computes in-domain embeddings anew instead of trusting the scratch cache; the figures are the same.

    Returns {"extractor", "inception", "groups", "pools": a row a kind, fold, part and class, "kinds": means over folds}. A
    metric is {"value" or "mean", "ci95"}, null where there are too few images.

    Raises:
        InputError: a table, an image, an extractor or Inception's weights cannot be read, or the extractors are not of one
            backbone.
    """
    weights = params.fidelity.inception
    network = None if weights is None else inception.load(weights, device)
    folds = read_folds(root / "data/folds/folds.csv")
    numbers = sorted(int(fold) for fold in folds["fold"].unique())
    sights = {
        fold: Sight.of_fold(root / f"data/features/fold{fold}", network, root / CACHE if cached else None, device)
        for fold in numbers
    }
    names = sorted({sight.backbone for sight in sights.values()})
    if len(names) > 1:
        raise InputError(f"{root / 'data/features'}: expected extractors of one backbone, found {' and '.join(names)}")
    real = _Real.read(root / "data/crops", params.preprocess.channels, network)
    cells = [
        cell
        for fold in progress(numbers, "fidelity", unit="fold")
        for cell in _fold(root, params, real, folds[folds["fold"] == fold], fold, sights[fold])
    ]
    kinds = [*params.generator.kinds, REAL]
    return {
        "extractor": {
            "name": names[0],
            "metric_suffix": sights[numbers[0]].suffix,
            "digests": {str(fold): sight.extractor.digest for fold, sight in sights.items()},
        },
        "inception": None if network is None else {"sha256": network.sha256},
        "groups": params.fidelity.groups,
        "neighbours": params.fidelity.neighbours,
        "pools": [_pool_row(cell) for kind in kinds for cell in cells if cell.head["kind"] == kind],
        "kinds": [row for kind in kinds for row in _kind_rows(kind, cells, folds)],
    }


@dataclass(frozen=True)
class _Real:
    """All crops, rows of `manifest`, and what Inception makes of them: folds share them."""

    manifest: pd.DataFrame
    pixels: np.ndarray
    seen: tuple[np.ndarray, np.ndarray] | None

    @classmethod
    def read(cls, folder: Path, channels: int, network: inception.Inception | None) -> "_Real":
        manifest = read_manifest(folder)
        pixels = load_stack([folder / path for path in manifest["path"]], channels)
        return cls(manifest, pixels, None if network is None else network.look(pixels))

    def see(self, sight: Sight, image_ids: pd.Series) -> Images:
        chosen = self.manifest["image_id"].isin(image_ids).to_numpy()
        rows = self.manifest[chosen]
        seen = None if self.seen is None else (self.seen[0][chosen], self.seen[1][chosen])
        return sight.see(self.pixels[chosen], rows["label"].to_numpy(np.int64), rows["patient_id"].to_numpy(str), seen)


def _fold(root: Path, params: Params, real: _Real, roles: pd.DataFrame, fold: int, sight: Sight) -> Iterator[Cell]:
    reference = real.see(sight, roles.loc[roles["role"] == "test", "image_id"])
    for kind in params.generator.kinds:
        ledger, pixels = load_pool(root / f"data/pools/{kind}/fold{fold}", params.preprocess.channels)
        selection = read_selection(root / f"data/selected/{kind}/fold{fold}")
        raw = sight.see(pixels, ledger["label"].to_numpy(np.int64), ledger["image_id"].to_numpy(str))
        yield from _cells(params, kind, fold, "raw", None, raw, reference)
        for methods in selections(params):
            ids = selection.loc[rules.kept(selection, methods, params.selection), "image_id"]
            yield from _cells(params, kind, fold, "kept", methods, raw.take(ledger["image_id"].isin(ids).to_numpy()), reference)
    training = real.see(sight, roles.loc[roles["role"] == "train", "image_id"])
    yield from _cells(params, REAL, fold, "training", None, training, reference)


def selections(params: Params) -> list[str]:
    """The study's selection, then those of the curve."""
    return list(dict.fromkeys([params.selection.method, *(one for run in params.curve.runs for one in run.selections)]))


def _cells(
    params: Params, kind: str, fold: int, part: str, selection: str | None, images: Images, reference: Images
) -> Iterator[Cell]:
    """A cell a class, then one of all classes."""
    for label, name in [*enumerate(params.dataset.labels), (None, ALL)]:
        own, others = (each if label is None else each.take(each.labels == label) for each in (images, reference))
        head = {"kind": kind, "fold": fold, "label": label, "label_name": name, "part": part, "selection": selection}
        counts = {"images": len(own), "reference": len(others)}
        yield Cell(head | counts, score(own, others, params.fidelity.groups, params.fidelity.neighbours))


def _pool_row(cell: Cell) -> dict[str, Any]:
    return cell.head | {
        metric: {"value": found.value, "ci95": found.interval(least(metric))} for metric, found in cell.found.items()
    }


def _kind_rows(kind: str, cells: list[Cell], folds: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row a part, selection and class: sums of images, means of metrics.

    The folds of a repeat hold out different patients, repeats the same ones again. The training images of any two folds are
    mostly the same.
    """
    of_kind: dict[tuple[str, str | None, int | None], dict[int, Cell]] = {}
    for cell in cells:
        if cell.head["kind"] == kind:
            of_kind.setdefault((cell.head["part"], cell.head["selection"], cell.head["label"]), {})[cell.head["fold"]] = cell
    tested = folds[folds["role"] == "test"]
    numbers = sorted(next(iter(of_kind.values())))
    size = 1 if kind == REAL else len(numbers) * tested["image_id"].nunique() // len(tested)
    groups = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    for by_fold in of_kind.values():
        first = by_fold[numbers[0]]
        head = {name: value for name, value in first.head.items() if name != "fold"}
        sums = {name: sum(cell.head[name] for cell in by_fold.values()) for name in ("images", "reference")}
        yield (
            head
            | sums
            | {
                metric: mean([[by_fold[fold].found[metric] for fold in group] for group in groups], least(metric))
                for metric in first.found
            }
        )
