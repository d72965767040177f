"""All trainings of a stage: checked before the first one, followed by Weights & Biases, collected."""

from dataclasses import asdict
from pathlib import Path

from synthtrace import compute
from synthtrace.classify.grid import Collected, train_grid
from synthtrace.classify.recipes import Recipe, check_recipes
from synthtrace.classify.scenarios import CROPS, check_pools, fold_data, fold_numbers, read_by
from synthtrace.params import REAL, TRADITIONAL
from synthtrace.stage import Stage, progress
from synthtrace.tables import read_folds, read_manifest
from synthtrace.tracking import track

FOLDS = Path("data/folds/folds.csv")


def train_scenario(run: Stage, scenario: str, recipes: list[Recipe], named_in: str, rates_in: str) -> Collected:
    """Train the recipes on every fold of a scenario.

    `named_in` and `rates_in` are the parameters that hold backbones and rates.

    Raises:
        InputError: before any training: a backbone is unknown or cannot be frozen as asked, or a pool is too small for the
            largest mixing rate.
    """
    params = run.params
    check_recipes(recipes, named_in)
    manifest, folds = read_manifest(CROPS), read_folds(FOLDS)
    largest = max((rate for recipe in recipes for rate in recipe.rates), default=0.0)
    if scenario not in (REAL, TRADITIONAL):
        check_pools(scenario, largest, rates_in, manifest, folds)
    device, numbers, done = compute.set_up(run), fold_numbers(folds), Collected()
    trainings = len(numbers) * sum(recipe.seeds * len(recipe.rates) for recipe in recipes)
    rates = ", ".join(str(rate) for rate in sorted({rate for recipe in recipes for rate in recipe.rates}))
    run.say(f"{trainings} trainings of {params.classifier.steps} steps at mixing rate {rates or 'none'} ({device})")
    config = {
        **params.classifier.model_dump(),
        "scenario": scenario,
        "recipes": [asdict(recipe) for recipe in recipes],
        "seed": params.seed,
    }
    with track(run, run.name, [*read_by(scenario), FOLDS], config) as tracker:
        grid = train_grid(
            (fold_data(scenario, fold, largest, manifest, folds, params) for fold in numbers), recipes, params, device
        )
        for trained in progress(grid, run.name, total=trainings, unit="training"):
            tracker.curve(trained.name, trained.losses, trained.learning_rates)
            done.add(trained)
    return done
