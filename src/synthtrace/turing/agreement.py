"""Kappa: how far readers agree, with each other or with the truth, beyond what their habits alone would give."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from sklearn.metrics import cohen_kappa_score


def fleiss_kappa(counts: np.ndarray) -> float | None:
    """Fleiss' kappa (Fleiss 1971), at most 1, of `counts` (subjects, categories): how many raters chose each category.

    None when every rating is of one category, where kappa is undefined. Raises ValueError unless every subject has the same
    number of ratings, at least two.
    """
    raters = counts.sum(axis=1)
    if raters[0] < 2 or np.any(raters != raters[0]):
        raise ValueError("expected the same number of ratings, at least 2, of every subject")
    shares = counts.sum(axis=0) / counts.sum()
    by_chance = float((shares**2).sum())
    if np.isclose(by_chance, 1):
        return None
    agreeing = (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))
    return float((agreeing.mean() - by_chance) / (1 - by_chance))


def kappa(said_real: np.ndarray) -> dict[str, str | float | None] | None:
    """Agreement of readers on the images, from boolean (readers, images): whether a reader called an image real.

    Returns {"name": "cohen" for two readers or "fleiss" for more, "kappa": value or None where undefined}; None for fewer.
    """
    readers = len(said_real)
    if readers < 2:
        return None
    if readers > 2:
        real = said_real.sum(axis=0)
        return {"name": "fleiss", "kappa": fleiss_kappa(np.stack([real, readers - real], axis=1))}
    one_category = bool(np.all(said_real == said_real.flat[0]))
    return {"name": "cohen", "kappa": None if one_category else float(cohen_kappa_score(*said_real))}


def cohen_kappa(tp: int, fn: int, fp: int, tn: int) -> float | None:
    """Cohen's kappa, at most 1, of a reader's calls with the truth (paper 2, Expert Review Details); positive is real.

    Counts: real called real, real called synthetic, synthetic called real, synthetic called synthetic. None where calls and
    truth are all of one and the same category, or there are none: kappa is undefined there.
    """
    total = tp + fn + fp + tn
    by_chance = (tp + fp) * (tp + fn) + (tn + fp) * (tn + fn)
    if by_chance == total**2:
        return None
    observed, expected = (tp + tn) / total, by_chance / total**2
    return (observed - expected) / (1 - expected)


def graded_kappa(grades: np.ndarray, order: Sequence[str]) -> dict[str, str | float | None] | None:
    """Agreement of readers on ordered grades, from (readers, items): Cohen's kappa with linear weights (Cohen 1968).

    Good and moderate are half as far apart as good and poor. More than two readers: the mean over all two of them (Light 1971).

    Returns {"name": "cohen-linear" or "light-linear", "kappa": value, or None where two readers gave every item one and the
    same grade}; None for fewer than two readers.
    """
    if len(grades) < 2:
        return None
    kappas = [
        None if len(set(one) | set(two)) == 1 else float(cohen_kappa_score(one, two, labels=list(order), weights="linear"))
        for one, two in combinations(grades, 2)
    ]
    defined = [kappa for kappa in kappas if kappa is not None]
    mean = float(np.mean(defined)) if len(defined) == len(kappas) else None
    return {"name": "cohen-linear" if len(grades) == 2 else "light-linear", "kappa": mean}
