"""All trainings of a stage: checked before the first one, followed by Weights & Biases, collected."""

from dataclasses import asdict
from pathlib import Path

from synthtrace import compute
from synthtrace.classify.filling import filled, told
from synthtrace.classify.grid import Collected, train_grid
from synthtrace.classify.modes import TRANSFER
from synthtrace.classify.recipes import Recipe, check_recipes
from synthtrace.classify.scenarios import CROPS, fold_data, fold_numbers, read_by
from synthtrace.params import REAL, TRADITIONAL
from synthtrace.stage import Stage, progress
from synthtrace.tables import read_folds, read_manifest
from synthtrace.tracking import track

FOLDS = Path("data/folds/folds.csv")


def train_scenario(run: Stage, scenario: str, recipes: list[Recipe], named_in: str, rates_in: str) -> Collected:
    """Train the recipes on every fold of a scenario, but for points that a selection of theirs cannot fill.

    `named_in` and `rates_in` are the parameters that hold backbones and rates.

    Raises:
        InputError: before any training: a backbone is unknown, cannot be frozen as asked or cannot take such images, or a pool
            is too small (`filling.filled`).
    """
    params, done = run.params, Collected()
    check_recipes(recipes, params.preprocess.image_size, named_in)
    manifest, folds = read_manifest(CROPS), read_folds(FOLDS)
    if scenario not in (REAL, TRADITIONAL):
        recipes, done.unfilled = filled(scenario, recipes, manifest, folds, params, rates_in)
        if len(done.unfilled):
            run.say(told(done.unfilled, params.dataset.labels))
    device, numbers = compute.set_up(run), fold_numbers(folds) if recipes else []
    selections = {recipe.selection for recipe in recipes}
    largest = max((rate for recipe in recipes for rate in recipe.rates), default=0.0)
    trainings = len(numbers) * sum(recipe.seeds * len(recipe.rates) for recipe in recipes)
    rates = ", ".join(str(rate) for rate in sorted({rate for recipe in recipes for rate in recipe.rates}))
    steps = f"{params.classifier.steps} steps" + (" a phase" if any(recipe.mode == TRANSFER for recipe in recipes) else "")
    run.say(f"{trainings} trainings of {steps} at mixing rate {rates or 'none'} ({device})")
    config = {
        **params.classifier.model_dump(),
        "scenario": scenario,
        "recipes": [asdict(recipe) for recipe in recipes],
        "seed": params.seed,
    }
    with track(run, run.name, [*read_by(scenario, selections, params.classifier), FOLDS], config) as tracker:
        data = (fold_data(scenario, fold, largest, selections, manifest, folds, params) for fold in numbers)
        grid = train_grid(data, recipes, params, device)
        for trained in progress(grid, run.name, total=trainings, unit="training"):
            tracker.curve(trained.name, trained.losses, trained.learning_rates)
            done.add(trained)
    return done
