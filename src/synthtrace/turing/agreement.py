"""Kappa: how far readers agree beyond what their habits alone would give."""

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
