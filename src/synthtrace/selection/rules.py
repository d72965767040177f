"""Which candidates a selection keeps: a pure function of the scores that every candidate has."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from synthtrace.params import NO_SELECTION, Selection

# columns of a selection table, as `scores.py` makes them
REALISM, CLASS_REALISM, CENTROID, CONFIDENCE = "realism", "class_realism", "centroid_distance", "confidence"
SCORES = [REALISM, CLASS_REALISM, CENTROID, CONFIDENCE]


def kept(table: pd.DataFrame, methods: str, settings: Selection) -> np.ndarray:
    """(N,) bool: the rows of a selection table that `methods` keep, joined by "+" and applied in their order.

    Each method judges what came through those before it, which matters to `centroid` alone. Copies are never kept, and neither
    is what has no score.
    """
    chosen = ~table["copy"].to_numpy(dtype=bool)
    if methods != NO_SELECTION:
        for method in methods.split("+"):
            chosen = chosen & RULES[method](table, chosen, settings)
    return chosen


def _realism(table: pd.DataFrame, chosen: np.ndarray, settings: Selection) -> np.ndarray:
    return (table[REALISM] >= settings.threshold).to_numpy(dtype=bool)


def _class_realism(table: pd.DataFrame, chosen: np.ndarray, settings: Selection) -> np.ndarray:
    return (table[CLASS_REALISM] >= settings.threshold).to_numpy(dtype=bool)


def _centroid(table: pd.DataFrame, chosen: np.ndarray, settings: Selection) -> np.ndarray:
    """Of each label, the share `centroid_share` (rounded) of those still there, nearest first, ties by row."""
    distance, label = table[CENTROID].to_numpy(dtype=np.float64), table["label"].to_numpy()
    near = np.zeros(len(table), dtype=bool)
    for one in np.unique(label):
        own = np.flatnonzero(chosen & (label == one) & np.isfinite(distance))
        wanted = round(settings.centroid_share * len(own))
        near[own[np.argsort(distance[own], kind="stable")[:wanted]]] = True
    return near


def _confidence(table: pd.DataFrame, chosen: np.ndarray, settings: Selection) -> np.ndarray:
    return (table[CONFIDENCE] >= settings.confidence).to_numpy(dtype=bool)


Rule = Callable[[pd.DataFrame, np.ndarray, Selection], np.ndarray]
RULES: dict[str, Rule] = {
    "realism": _realism,
    "class_realism": _class_realism,
    "centroid": _centroid,
    "confidence": _confidence,
}
