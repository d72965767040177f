"""What a reader test holds: the counts, and where they are drawn from."""

from dataclasses import dataclass

from synthtrace.params import Params


@dataclass(frozen=True)
class Plan:
    """A reader test to draw.

    Args:
        seed: root of the draw's randomness.
        labels: names of the classes; a class is its place here.
        real: real images of each class.
        synthetic: synthetic images of each class and kind.
        kinds: generator kinds, names of the folders below `data/pools` and `data/selected`.
        folds: folds whose pools are drawn from.
        channels: of an image, 1 or 3.
        pairs: whether an item is an image beside its mask.
    """

    seed: int
    labels: list[str]
    real: list[int]
    synthetic: list[int]
    kinds: list[str]
    folds: list[int]
    channels: int
    pairs: bool = False


def plan_of(study: Params | Plan) -> Plan:
    """The plan that `params.turing` makes, images alone; a plan is itself."""
    if isinstance(study, Plan):
        return study
    return Plan(
        seed=study.seed,
        labels=study.dataset.labels,
        real=study.turing.real,
        synthetic=study.turing.synthetic,
        kinds=list(study.generator.kinds),
        folds=study.split.folds,
        channels=study.preprocess.channels,
    )
