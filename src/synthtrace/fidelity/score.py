"""Fidelity of every pool of a study: metrics/fidelity.json, a pure function of images and extractors.

The reference is the fold's held-out (test) images of the same classes, as in paper 0. A pool is measured raw, as each selection
keeps it, and as the first seed's classifiers draw from what is kept at each mixing rate of the curve. Beside the pools stand
the fold's own training images: real images of other patients, the floor that a generator is measured against. In the in-domain
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

from synthtrace import perceptual
from synthtrace.classify.mixing import draw, mixed_in, supply
from synthtrace.errors import InputError
from synthtrace.features.cache import CACHE
from synthtrace.fidelity import inception, similarity
from synthtrace.fidelity.cells import Images, least, score, variety
from synthtrace.fidelity.jackknife import Measured, mean
from synthtrace.fidelity.parts import rates, selections
from synthtrace.fidelity.sight import Sight, look
from synthtrace.images import load_stack
from synthtrace.params import REAL, Params
from synthtrace.seeds import Seeds
from synthtrace.selection import rules
from synthtrace.selection.pool import load_pool
from synthtrace.stage import progress
from synthtrace.tables import read_folds, read_manifest, read_selection

ALL = "all"
NOT_SELECTED = {"part": None, "selection": None, "mixing_rate": None}


@dataclass(frozen=True)
class Cell:
    """A kind's images of a fold, part and class: the head of its row, and its metrics."""

    head: dict[str, Any]
    found: dict[str, Measured]


def from_workspace(root: Path, params: Params, device: torch.device, cached: bool) -> dict[str, Any]:
    """What metrics/fidelity.json should hold, of the crops, folds, extractors, pools and selections in `root`/data.

    `cached` False computes in-domain embeddings anew instead of trusting the scratch cache; the figures are the same.

    Returns {"extractor", "inception", "lpips", "ms_ssim", "groups", "neighbours", "pools": a row a kind, fold, part and class,
    "kinds": means over folds}. A metric is {"value" or "mean", "ci95"}, null where there are too few images.

    Raises:
        InputError: a table, an image, an extractor or the weights of Inception or LPIPS cannot be read, or the extractors are
            not of one backbone.
    """
    settings = params.fidelity
    network = None if settings.inception is None else inception.load(settings.inception, device)
    lpips = None if settings.lpips is None else perceptual.load(settings.lpips, "fidelity.lpips")
    folds = read_folds(root / "data/folds/folds.csv")
    numbers = sorted(int(fold) for fold in folds["fold"].unique())
    sights = {
        fold: Sight.of_fold(root / f"data/features/fold{fold}", network, root / CACHE if cached else None, device)
        for fold in numbers
    }
    names = sorted({sight.backbone for sight in sights.values()})
    if len(names) > 1:
        raise InputError(f"{root / 'data/features'}: expected extractors of one backbone, found {' and '.join(names)}")
    real = _Real.read(root / "data/crops", params.preprocess.channels, network, root / CACHE if cached else None)
    cells = [
        cell
        for fold in progress(numbers, "fidelity", unit="fold")
        for cell in _Fold(root, params, real, folds[folds["fold"] == fold], fold, sights[fold], lpips).cells()
    ]
    kinds = [*params.generator.kinds, REAL]
    return {
        "extractor": {
            "name": names[0],
            "metric_suffix": sights[numbers[0]].suffix,
            "digests": {str(fold): sight.extractor.digest for fold, sight in sights.items()},
        },
        "inception": None if network is None else {"sha256": network.sha256},
        "lpips": None if lpips is None else {"sha256": lpips.sha256},
        "ms_ssim": similarity.settings(params.preprocess.image_size, settings.pairs),
        "groups": settings.groups,
        "neighbours": settings.neighbours,
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
    def read(cls, folder: Path, channels: int, network: inception.Inception | None, cache: Path | None) -> "_Real":
        manifest = read_manifest(folder)
        pixels = load_stack([folder / path for path in manifest["path"]], channels)
        return cls(manifest, pixels, None if network is None else look(network, pixels, cache))

    def see(self, sight: Sight, image_ids: pd.Series) -> Images:
        chosen = self.manifest["image_id"].isin(image_ids).to_numpy()
        rows = self.manifest[chosen]
        seen = None if self.seen is None else (self.seen[0][chosen], self.seen[1][chosen])
        return sight.see(self.pixels[chosen], rows["label"].to_numpy(np.int64), rows["patient_id"].to_numpy(str), seen)


@dataclass(frozen=True)
class _Fold:
    """One fold, whose `roles` say which crops are held out."""

    root: Path
    params: Params
    real: _Real
    roles: pd.DataFrame
    fold: int
    sight: Sight
    lpips: perceptual.Lpips | None

    def cells(self) -> Iterator[Cell]:
        """Of every pool, raw, kept and drawn, then of the training images."""
        reference = self._crops("test")
        for kind in self.params.generator.kinds:
            yield from self._pool(kind, reference)
        yield from self._cells(REAL, {"part": "training"}, self._crops("train"), reference)

    def _crops(self, role: str) -> Images:
        return self.real.see(self.sight, self.roles.loc[self.roles["role"] == role, "image_id"])

    def _pool(self, kind: str, reference: Images) -> Iterator[Cell]:
        ledger, pixels = load_pool(self.root / f"data/pools/{kind}/fold{self.fold}", self.params.preprocess.channels)
        table = read_selection(self.root / f"data/selected/{kind}/fold{self.fold}")
        raw = self.sight.see(pixels, ledger["label"].to_numpy(np.int64), ledger["image_id"].to_numpy(str))
        yield from self._cells(kind, {"part": "raw"}, raw, reference)
        training = int((self.roles["role"] == "train").sum())
        for methods in selections(self.params):
            ids = table.loc[rules.kept(table, methods, self.params.selection), "image_id"]
            kept = ledger["image_id"].isin(ids).to_numpy()
            yield from self._cells(kind, {"part": "kept", "selection": methods}, raw.take(kept), reference)
            for rate in rates(self.params):
                if (count := mixed_in(rate, training)) and supply(raw.labels, kept, count).enough:
                    stream = Seeds(self.params.seed).stream("draw", kind, self.fold, 0)
                    drawn = raw.take(draw(raw.labels, kept, count, stream))
                    yield from self._cells(kind, {"part": "drawn", "selection": methods, "mixing_rate": rate}, drawn, reference)

    def _cells(self, kind: str, part: dict[str, Any], images: Images, reference: Images) -> Iterator[Cell]:
        """A cell a class, then one of all classes."""
        settings = self.params.fidelity
        for label, name in [*enumerate(self.params.dataset.labels), (None, ALL)]:
            own, others = (each if label is None else each.take(each.labels == label) for each in (images, reference))
            head = {"kind": kind, "fold": self.fold, "label": label, "label_name": name, **NOT_SELECTED, **part}
            rng = Seeds(self.params.seed).stream("fidelity", "pairs", kind, self.fold)
            found = score(own, others, settings.groups, settings.neighbours) | variety(own, settings.pairs, self.lpips, rng)
            yield Cell(head | {"images": len(own), "reference": len(others)}, found)


def _pool_row(cell: Cell) -> dict[str, Any]:
    return cell.head | {
        metric: {"value": found.value, "ci95": found.interval(least(metric))} for metric, found in cell.found.items()
    }


def _kind_rows(kind: str, cells: list[Cell], folds: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row a part, selection, mixing rate and class: sums of images, means of metrics.

    What cannot be drawn in each fold has no row.
    The folds of a repeat hold out different patients, repeats the same ones again. The training images of any two folds are
    mostly the same.
    """
    of_kind: dict[tuple, dict[int, Cell]] = {}
    for cell in cells:
        if cell.head["kind"] == kind:
            of_kind.setdefault(tuple(cell.head[name] for name in (*NOT_SELECTED, "label")), {})[cell.head["fold"]] = cell
    tested = folds[folds["role"] == "test"]
    numbers = sorted(next(iter(of_kind.values())))
    size = 1 if kind == REAL else len(numbers) * tested["image_id"].nunique() // len(tested)
    groups = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    for by_fold in of_kind.values():
        if len(by_fold) < len(numbers):
            continue
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
