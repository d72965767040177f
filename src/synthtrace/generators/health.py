"""When a training has failed: a loss that is no number or explodes, and a generator that draws the same image again and again."""

import math

import numpy as np

from synthtrace.errors import InputError

# a loss this many times the mean of the first steps
EXPLODED = 100.0
FIRST = 20
# spread of drawn images / spread of training images
COLLAPSED = 0.02


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


def check_drawn(drawn: np.ndarray, training: np.ndarray, where: str) -> None:
    """Raises InputError when drawn images (M, C, S, S) in [-1, 1] are no numbers, or all but the same.

    Their spread is the mean over pixels of the deviation between images; that of the training images (N, C, S, S) is the measure.
    """
    if not np.isfinite(drawn).all():
        raise InputError(f"{where}: the trained model draws pixels that are no numbers: lower its learning_rate")
    spread, usual = (float(images.std(axis=0).mean()) for images in (drawn, training))
    if spread < COLLAPSED * usual:
        raise InputError(
            f"{where}: mode collapse: the {len(drawn)} images drawn at the end spread by {spread:.2g} about their mean, those of "
            f"the training set by {usual:.2g}; expected at least {COLLAPSED:.0%} of it: train longer or lower its learning_rate"
        )
