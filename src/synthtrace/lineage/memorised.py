"""Figures of the search for copies over all folds, told in one sentence a kind of generator and one a way of measuring."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from synthtrace.lineage.copies import Reference
from synthtrace.lineage.findings import Finding, note, warn

# The thresholds are set for at most 1 % of the training patients, in each of two ways: several times that is another matter.
HELD_OUT_LIMIT = 0.05
DAR = "68.7% and 37.2% in Dar et al., arXiv 2402.01054"


class Memorised:
    """Gathers what each fold's search said."""

    def __init__(self) -> None:
        self._references: list[Reference] = []
        self._pools: dict[str, list[tuple[pd.DataFrame, int]]] = {}

    def add_fold(self, reference: Reference) -> None:
        """A fold's thresholds and its held-out images."""
        self._references.append(reference)

    def add_pool(self, kind: str, found: pd.DataFrame, training: int) -> None:
        """A pool's candidates as `CopyFinder.find` judges them now, and the number of the fold's training images."""
        self._pools.setdefault(kind, []).append((found, training))

    def findings(self) -> Iterator[Finding]:
        """Notes; a warning where the thresholds call many images of held-out patients copies."""
        for kind, pools in self._pools.items():
            yield note(_of_kind(kind, pools))
        if self._references:
            yield note(self._of_way("pixels", "nearest_real_distance"))
            yield note(self._of_way("embedding", "embedding_distance"))
            yield self._held_out()

    def _of_way(self, way: str, column: str) -> str:
        found = [getattr(one.finder, way) for one in self._references]
        held_out = [one.held_out[column].to_numpy() if len(one.held_out) else np.empty(0) for one in self._references]
        limits = [one.threshold for one in found]
        patients = _near("images of held-out patients", held_out, limits)
        frames = _near("other frames of a training patient", [one.frames for one in found], limits)
        return f"{way}: threshold {_span(limits, '.4f')}; within it are {patients} and {frames}"

    def _held_out(self) -> Finding:
        copies = [one.held_out["copy"].to_numpy() for one in self._references if len(one.held_out)]
        if not copies:
            return warn("no fold has held-out images: nothing says how often the thresholds take another patient's for a copy")
        told = f"copies would be {_counted(copies, 'images of held-out patients')}"
        if np.concatenate(copies).mean() > HELD_OUT_LIMIT:
            return warn(f"{told}; expected at most {HELD_OUT_LIMIT:.0%}: candidates that copy nothing may have been dropped")
        return note(told)


def _of_kind(kind: str, pools: list[tuple[pd.DataFrame, int]]) -> str:
    copies = [found["copy"].to_numpy() for found, _ in pools]
    every = [count for _, count in pools]
    copied = [
        np.arange(count) < found.loc[found["copy"], "nearest_real_id"].nunique()
        for count, (found, _) in zip(every, pools, strict=True)
    ]
    distance = np.concatenate([found["nearest_real_distance"] for found, _ in pools])
    return (
        f"{kind}: copies are {_counted(copies, 'candidates')}, of {_counted(copied, 'training images')}; {DAR}; pixel distance "
        f"of candidates to the nearest training image: {_quantiles(distance)}"
    )


def _near(name: str, distances: Sequence[np.ndarray], thresholds: Sequence[float]) -> str:
    """Which share of a reference lies within the thresholds, and how far away it is."""
    there = [(values, limit) for values, limit in zip(distances, thresholds, strict=True) if len(values)]
    if not there:
        return f"none of the {name}: there are none"
    within = _counted([values <= limit for values, limit in there], name)
    return f"{within} ({_quantiles(np.concatenate([values for values, _ in there]))})"


def _counted(flags: Sequence[np.ndarray], name: str) -> str:
    """How many of all folds' flags are true, their share, and its range over the folds."""
    every = np.concatenate(flags)
    spread = _span([values.mean() for values in flags], ".1%")
    return f"{every.sum()} of {len(every)} {name} ({every.mean():.1%}, by fold {spread})"


def _quantiles(values: np.ndarray) -> str:
    first, median, last = np.quantile(values, [0.01, 0.5, 0.99])
    return f"median {median:.4f}, 1% to 99% {first:.4f} to {last:.4f}"


def _span(values: Sequence[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"
