"""The metrics of one cell: some images of a pool or of the training set against held-out images."""

from dataclasses import dataclass

import numpy as np

from synthtrace.fidelity import frechet, inception_score, kernel, precision_recall, similarity
from synthtrace.fidelity.jackknife import Measured, Units, together
from synthtrace.perceptual import Lpips

INCEPTION_SCORE = "inception_score"


@dataclass(frozen=True)
class Images:
    """Images of a cell.

    `labels` (n,); `names` (n,), of a patient or of the image, as what is left out as one; `pixels` uint8 (n, C, H, W);
    `features` (n, D) by space, which is named by its Frechet and its kernel distance; `logits` (n, classes) of Inception, or
    None.
    """

    labels: np.ndarray
    names: np.ndarray
    pixels: np.ndarray
    features: dict[tuple[str, str], np.ndarray]
    logits: np.ndarray | None

    def take(self, chosen: np.ndarray) -> "Images":
        """Those that a mask (n,) chooses."""
        return Images(
            self.labels[chosen],
            self.names[chosen],
            self.pixels[chosen],
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


def variety(images: Images, most: int, lpips: Lpips | None, rng: np.random.Generator) -> dict[str, Measured]:
    """How alike pairs of images of a class are, at most `most` pairs a class: MS-SSIM, and LPIPS where its network is given."""
    couples = similarity.pairs(images.labels, images.names, most, rng)
    if not similarity.scales(images.pixels.shape[-1]):
        couples = couples[:0]
    found = {similarity.MS_SSIM: similarity.mean(images.pixels, couples, similarity.ms_ssim)}
    if lpips is not None:
        found[similarity.LPIPS] = similarity.mean(
            images.pixels, couples, lambda *pair: lpips(*(each.float() / 127.5 - 1 for each in pair))
        )
    return found
