"""What a stage trains on each fold of a scenario: backbones, how much of them, on what, how often."""

from dataclasses import dataclass

from synthtrace import backbones
from synthtrace.classify.freezing import check_freezing
from synthtrace.params import AUGMENT, NO_SELECTION, REAL, TRADITIONAL, Augmentation, CurveRun, Freezing, Mode, Params


@dataclass(frozen=True)
class Recipe:
    """A backbone trained `seeds` times at each mixing rate.

    `balanced`: real images of rarer classes are repeated until they are as many as those of the commonest (`mixing.upsampled`).
    What is mixed in is not balanced: it stays rate times the number of different real images, labelled as its source has it.
    `selection`: which candidates of a pool are drawn from, by `selection.rules`; null: those that the selection table keeps.
    """

    name: str
    backbone: str
    freezing: Freezing
    balanced: bool
    seeds: int
    rates: list[float]
    augmentation: Augmentation
    selection: str | None = NO_SELECTION
    mode: Mode = "augment"

    @property
    def label(self) -> str:
        """Its name, with selection and mode where synthetic images are chosen or used in another way."""
        own = self.selection not in (None, NO_SELECTION) or self.mode != AUGMENT
        return f"{self.name} {self.selection or 'kept'} {self.mode}" if own else self.name


def of_classifier(scenario: str, params: Params) -> list[Recipe]:
    """Every backbone of `classifier`, at `mixing_rate`; real images alone are rate 0.

    Generator kinds are drawn from as the selection tables say, and used as `training.mode` says.
    """
    settings = params.classifier
    rates = [params.mixing_rate if settings.mixes(scenario) else 0.0]
    own = scenario not in (REAL, TRADITIONAL)
    return [
        Recipe(
            name=name,
            backbone=name,
            freezing=settings.freezing,
            balanced=settings.balanced,
            seeds=settings.seeds,
            rates=rates,
            augmentation=settings.augmentation_of(scenario),
            selection=None if own else NO_SELECTION,
            mode=params.training.mode if own else "augment",
        )
        for name in settings.backbones
    ]


def of_curve(scenario: str, params: Params) -> list[Recipe]:
    """Every run of `curve` on real images alone, or those that list the scenario, at their rates.

    Of a generator kind, a recipe for each of a run's selections and modes.
    """
    settings = params.classifier
    own = scenario not in (REAL, TRADITIONAL)
    alone: list[Mode] = ["augment"]

    def recipes(run: CurveRun) -> list[Recipe]:
        return [
            Recipe(
                name=run.name,
                backbone=run.backbone,
                freezing=run.freezing,
                balanced=run.balanced,
                seeds=run.seeds,
                rates=params.curve.rates_of(run) if settings.mixes(scenario) else [0.0],
                augmentation=settings.augmentation_of(scenario),
                selection=selection,
                mode=mode,
            )
            for selection in (run.selections if own else [NO_SELECTION])
            for mode in (run.modes if own else alone)
        ]

    drawing = [run for run in params.curve.runs if scenario == REAL or scenario in run.scenarios]
    return [recipe for run in drawing for recipe in recipes(run)]


def check_recipes(recipes: list[Recipe], side: int, parameter: str) -> None:
    """Check backbones against images of `side` x `side` pixels, before any training.

    Raises:
        InputError: naming `parameter`: a backbone is unknown, cannot be frozen as asked, or cannot take such images.
    """
    for recipe in recipes:
        backbones.check_name(recipe.backbone, parameter)
        check_freezing(recipe.backbone, recipe.freezing, parameter)
        backbones.check_side(recipe.backbone, side, parameter)
