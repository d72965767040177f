"""What classifiers say of single images: accuracy, sensitivity, specificity and F1 beside the AUC (paper 4, Table 2)."""

import numpy as np

from synthtrace.statistics.auc import auc, judged_classes
from synthtrace.statistics.scores import Scores


def round_scores(scores: Scores) -> dict[str, np.ndarray]:
    """(rounds,) each of auc, accuracy, sensitivity, specificity and f1, in [0, 1], the mean over seeds.

    The class of an image is that of the highest probability (of two classes: above 0.5), the first of equals. Of two classes,
    class 1 is positive; of more, sensitivity, specificity and F1 are one-vs-rest, averaged over classes, as the AUC is. Every
    class must occur among the labels.
    """
    classes = scores.probabilities.shape[-1]
    said = scores.probabilities.argmax(axis=-1)
    recalls, rejections, f1s = [], [], []
    for label in judged_classes(classes):
        positive, called = scores.labels == label, said == label
        hits = (called & positive).sum(axis=-1)
        recalls.append(hits / positive.sum())
        rejections.append((~called & ~positive).sum(axis=-1) / (~positive).sum())
        f1s.append(2 * hits / (called.sum(axis=-1) + positive.sum()))
    values = {
        "auc": auc(scores.labels, scores.probabilities),
        "accuracy": (said == scores.labels).mean(axis=-1),
        "sensitivity": np.mean(recalls, axis=0),
        "specificity": np.mean(rejections, axis=0),
        "f1": np.mean(f1s, axis=0),
    }
    return {name: of_runs.mean(axis=0) for name, of_runs in values.items()}
