"""The metrics of one cell: some images of a pool or of the training set against held-out images."""

from dataclasses import dataclass

import numpy as np

from synthtrace.fidelity import frechet, inception_score, kernel, precision_recall
from synthtrace.fidelity.jackknife import Measured, Units, together

INCEPTION_SCORE = "inception_score"


@dataclass(frozen=True)
class Images:
    """Images of a cell.

    `labels` (n,); `names` (n,), of a patient or of the image, as what is left out as one; `features` (n, D) by space, which is
    named by its Frechet and its kernel distance; `logits` (n, classes) of Inception, or None.
    """

    labels: np.ndarray
    names: np.ndarray
    features: dict[tuple[str, str], np.ndarray]
    logits: np.ndarray | None

    def take(self, chosen: np.ndarray) -> "Images":
        """Those that a mask (n,) chooses."""
        return Images(
            self.labels[chosen],
            self.names[chosen],
            {space: features[chosen] for space, features in self.features.items()},
            None if self.logits is None else self.logits[chosen],
        )

    def __len__(self) -> int:
        return len(self.labels)


def least(metric: str) -> float:
    """The least value that a metric can have; a kernel distance has none."""
    if metric == INCEPTION_SCORE:
        return 1.0
    return -np.inf if metric == "kid" or metric.startswith("kd_") else 0.0


def shares(space: tuple[str, str]) -> tuple[str, str, str]:
    """Names of precision, recall and F1 in a space: they end in its extractor's, or in `inception`."""
    suffix = "inception" if space[0] == "fid" else space[0].removeprefix("fd_")
    return f"precision_{suffix}", f"recall_{suffix}", f"f1_{suffix}"


def score(images: Images, reference: Images, most: int, neighbours: int) -> dict[str, Measured]:
    """Every metric of `images` against `reference`, undefined where either holds fewer than two images.

    Precision and recall reach to the `neighbours`-th nearest image.

    `most` bounds how many values of a metric, each with something left out of one of the two sets, its interval is made of.
    """
    metrics = [name for space in reference.features for name in (*space, *shares(space))]
    if reference.logits is not None:
        metrics.append(INCEPTION_SCORE)
    if len(images) < 2 or len(reference) < 2:
        return dict.fromkeys(metrics, Measured(None))
    own, others = (Units.of(each.names, each.labels, most) for each in (images, reference))
    found: dict[str, Measured] = {}
    for space, features in images.features.items():
        for name, method in zip(space, (frechet, kernel), strict=True):
            against = reference.features[space]
            parts = [
                (own.deviation(method.without(features, against, own.taken)), own.freedom),
                (others.deviation(method.without(against, features, others.taken)), others.freedom),
            ]
            found[name] = together(method.distance(features, against), parts)
        measured = precision_recall.score(features, reference.features[space], (own, others), neighbours)
        found |= dict(zip(shares(space), measured, strict=True))
    if images.logits is not None:
        deviation = own.deviation(inception_score.without(images.logits, own.taken))
        found[INCEPTION_SCORE] = together(inception_score.score(images.logits), [(deviation, own.freedom)])
    return found
