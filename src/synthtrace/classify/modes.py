"""How a training uses synthetic images: mixed with real ones, before them, or alone (paper 4)."""

from dataclasses import dataclass

import numpy as np

from synthtrace.params import AUGMENT, Mode

SYNTHETIC, TRANSFER = "synthetic", "transfer"


@dataclass(frozen=True)
class Phase:
    """`classifier.steps` steps with an optimiser and a learning-rate schedule of their own.

    `positions` of the images that it draws from; `names` that its streams have behind those of the training.
    """

    positions: np.ndarray
    names: tuple[str, ...] = ()


def phases(mode: Mode, real: np.ndarray, others: np.ndarray) -> list[Phase]:
    """The phases of a training, one after another from the same weights, by positions of real and of other images.

    `augment`: both, mixed. `transfer`: the others alone, then the real ones alone, in the batches and with the augmentation
    that the scenario `real` has. `synthetic`: the others alone, just as in the first phase of `transfer`.
    """
    if mode == AUGMENT:
        return [Phase(np.concatenate([real, others]))]
    alone = Phase(others, (SYNTHETIC,))
    return [alone, Phase(real)] if mode == TRANSFER else [alone]
