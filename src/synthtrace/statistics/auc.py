"""Area under the ROC curve of out-of-fold scores, and the curve itself."""

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import roc_curve

from synthtrace.statistics.scores import Scores


def judged_classes(classes: int) -> list[int]:
    """Classes whose one-vs-rest AUCs are averaged: class 1 stands for two classes."""
    return [1] if classes == 2 else list(range(classes))


def auc(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Area under the ROC curve in [0, 1]: of class 1 for two classes, one-vs-rest macro average for more.

    It is the share of (positive, negative) pairs in which the positive scores higher, a tie counting half, from midranks.

    Args:
        labels: (n,) integer classes, each of which must occur.
        probabilities: (..., n, classes).

    Returns:
        (...): an AUC for each of the leading axes.
    """
    areas = []
    for label in judged_classes(probabilities.shape[-1]):
        positive = labels == label
        count = int(positive.sum())
        ranks = rankdata(probabilities[..., label], axis=-1)[..., positive].sum(axis=-1)
        areas.append((ranks - count * (count + 1) / 2) / (count * (len(labels) - count)))
    return np.mean(areas, axis=0)


def seed_aucs(scores: Scores) -> np.ndarray:
    """(seeds,) out-of-fold AUC of each seed, averaged over rounds. Their spread is training noise on fixed patients alone."""
    return auc(scores.labels, scores.probabilities).mean(axis=1)


def fold_aucs(scores: Scores) -> np.ndarray:
    """(seeds, folds) AUC within each fold (paper 0, Supplementary Figure 3); NaN where a fold's test part lacks a class."""
    columns = []
    classes = range(scores.probabilities.shape[-1])
    for index, folds in enumerate(scores.folds):
        for fold in np.unique(folds):
            rows = folds == fold
            labels = scores.labels[rows]
            whole = all((labels == label).any() for label in classes)
            probabilities = scores.probabilities[:, index, rows]
            columns.append(auc(labels, probabilities) if whole else np.full(len(probabilities), np.nan))
    return np.stack(columns, axis=1)


def mean_roc(scores: Scores, fpr: np.ndarray) -> np.ndarray:
    """True positive rates at the false positive rates `fpr`, averaged vertically over seeds, rounds (and classes over two)."""
    curves = []
    for probabilities in scores.runs:
        for label in judged_classes(probabilities.shape[1]):
            x, y, _ = roc_curve(scores.labels == label, probabilities[:, label], drop_intermediate=False)
            curves.append(np.interp(fpr, x, y))
    return np.mean(curves, axis=0)
