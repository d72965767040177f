"""What a stage trains on each fold of a scenario: backbones, how much of them, on what, how often."""

from dataclasses import dataclass

from synthtrace import backbones
from synthtrace.classify.freezing import check_freezing
from synthtrace.params import REAL, CurveRun, Freezing, Params


@dataclass(frozen=True)
class Recipe:
    """A backbone trained `seeds` times at each mixing rate.

    `balanced`: real images of rarer classes are repeated until they are as many as those of the commonest (`mixing.upsampled`).
    What is mixed in is not balanced: it stays rate times the number of different real images, labelled as its source has it.
    """

    name: str
    backbone: str
    freezing: Freezing
    balanced: bool
    seeds: int
    rates: list[float]


def of_classifier(scenario: str, params: Params) -> list[Recipe]:
    """Every backbone of `classifier`, at `mixing_rate`; real images alone are rate 0."""
    settings = params.classifier
    rates = [0.0 if scenario == REAL else params.mixing_rate]
    return [Recipe(name, name, settings.freezing, settings.balanced, settings.seeds, rates) for name in settings.backbones]


def of_curve(scenario: str, params: Params) -> list[Recipe]:
    """Every run of `curve` on real images alone, or those that list the scenario, at their rates."""

    def recipe(run: CurveRun) -> Recipe:
        rates = [0.0] if scenario == REAL else params.curve.rates_of(run)
        return Recipe(run.name, run.backbone, run.freezing, run.balanced, run.seeds, rates)

    return [recipe(run) for run in params.curve.runs if scenario == REAL or scenario in run.scenarios]


def check_recipes(recipes: list[Recipe], parameter: str) -> None:
    """Raises InputError, naming `parameter`, for an unknown backbone or one that cannot be frozen as asked."""
    for recipe in recipes:
        backbones.check_name(recipe.backbone, parameter)
        check_freezing(recipe.backbone, recipe.freezing, parameter)
