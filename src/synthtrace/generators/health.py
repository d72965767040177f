"""When a training has failed: a loss that is no number or explodes, drawn images that are no numbers or always the same."""

import math

import numpy as np

from synthtrace.errors import InputError

# a loss this many times the mean of the first steps
EXPLODED = 100.0
FIRST = 20
# spread of a class's drawn images / spread of its training images; after 1 to 160 steps it was 0.15 at least, on patches and
# phantom
COLLAPSED = 0.05


def check_loss(losses: list[float], where: str) -> None:
    """Raises InputError, naming the training `where`, when its last loss is no number or has exploded."""
    value, step = losses[-1], len(losses) - 1
    if not math.isfinite(value):
        raise InputError(f"{where}: the loss is {value} at step {step}; expected a number: lower its learning_rate")
    first = [abs(one) for one in losses[:FIRST]]
    usual = sum(first) / len(first)
    if step >= FIRST and abs(value) > EXPLODED * max(usual, 1e-3):
        raise InputError(
            f"{where}: the loss has exploded, to {value:.3g} at step {step} from {usual:.3g} over the first {FIRST}; lower its "
            "learning_rate"
        )


def check_drawn(drawn: np.ndarray, drawn_labels: np.ndarray, training: np.ndarray, labels: np.ndarray, where: str) -> None:
    """Raises InputError when drawn images are no numbers, or those of some class all but the same.

    Images are (M, C, S, S) drawn and (N, C, S, S) of the training, in [-1, 1], each with its label. The spread of a class is
    the mean over pixels of the deviation between its images, and that of its training images is the measure; a class with
    fewer than two of either has none.
    """
    if not np.isfinite(drawn).all():
        raise InputError(f"{where}: the trained model draws pixels that are no numbers: lower its learning_rate")
    for label in np.unique(drawn_labels):
        own, real = drawn[drawn_labels == label], training[labels == label]
        if min(len(own), len(real)) < 2:
            continue
        spread, usual = (float(images.std(axis=0).mean()) for images in (own, real))
        if spread < COLLAPSED * usual:
            raise InputError(
                f"{where}: mode collapse: {len(own)} images of class {label}, drawn at the end, spread by {spread:.2g} about "
                f"their mean, the training images by {usual:.2g}; expected at least {COLLAPSED:.0%} of that: train longer or "
                "lower its learning_rate"
            )
