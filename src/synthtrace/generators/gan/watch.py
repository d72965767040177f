"""Failures of adversarial training that show before its end: one side has won, or the generator draws one image only."""

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
        self._where, self._step = where, 0
        self._seen: list[tuple[float, float, float]] = []

    def see(self, loss: float, drawn: torch.Tensor, real: torch.Tensor) -> None:
        """Take a step's generator loss, and images drawn and real, (B, C, S, S) each.

        Raises:
            InputError: the discriminator has won outright, or the generator draws all but the same image.
        """
        spread, usual = (float(images.detach().std(dim=0, correction=0).mean()) for images in (drawn, real))
        self._seen.append((loss, spread, usual))
        self._step += 1
        if len(self._seen) == WINDOW:
            self._judge()
            self._seen = []

    def _judge(self) -> None:
        loss, spread, usual = (sum(values) / WINDOW for values in zip(*self._seen, strict=True))
        steps = f"steps {self._step - WINDOW} to {self._step - 1}"
        cure = "lower families.gan.learning_rate or raise families.gan.r1_weight"
        if loss > LOST:
            raise InputError(
                f"{self._where}: the discriminator has won: the generator's loss is {loss:.3g} over {steps}; expected at most "
                f"{LOST:g}: {cure}"
            )
        if spread < COLLAPSED * usual:
            raise InputError(
                f"{self._where}: mode collapse: images drawn in {steps} spread by {spread:.2g} about their mean, real ones by "
                f"{usual:.2g}; expected at least {COLLAPSED:.0%} of it: {cure}"
            )
