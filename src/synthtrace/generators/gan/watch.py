"""Failures of adversarial training that show before its end: one side has won, or the generator draws one image only."""

import math

import torch

from synthtrace.errors import InputError
from synthtrace.generators.health import COLLAPSED

# steps over which failures are judged
WINDOW = 100
# mean loss of the generator, in nats, that means that it fools the discriminator no more; healthy trainings stay below 10
LOST = 25.0


class Watch:
    """Judges the training named `where` over the last WINDOW steps."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._losses: list[float] = []
        self._spreads: list[float] = []

    def see(self, loss: float, drawn: torch.Tensor, real: torch.Tensor) -> None:
        """Take a step's generator loss, and images drawn and real, (B, C, S, S) each.

        Raises:
            InputError: the discriminator has won outright, or the generator draws all but the same image.
        """
        spread, usual = (float(images.detach().std(dim=0, correction=0).mean()) for images in (drawn, real))
        self._losses.append(loss)
        self._spreads.append(spread / max(usual, 1e-3))
        if len(self._losses) % WINDOW or not all(map(math.isfinite, self._losses)):
            return
        step = len(self._losses)
        loss, ratio = (sum(values[-WINDOW:]) / WINDOW for values in (self._losses, self._spreads))
        if loss > LOST:
            raise InputError(
                f"{self._where}: the discriminator has won: the generator's loss is {loss:.3g} over steps {step - WINDOW} to "
                f"{step - 1}; expected at most {LOST:g}: lower families.gan.learning_rate or raise families.gan.r1_weight"
            )
        if ratio < COLLAPSED:
            raise InputError(
                f"{self._where}: mode collapse: images drawn in steps {step - WINDOW} to {step - 1} spread by {ratio:.2%} of "
                f"what real ones do; expected at least {COLLAPSED:.0%}: lower families.gan.learning_rate or raise "
                "families.gan.r1_weight"
            )
