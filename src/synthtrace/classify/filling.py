"""Whether pools are large enough for what is trained on them, told before the first training."""

from dataclasses import replace

import pandas as pd

from synthtrace.classify.mixing import check_pool, mixed_in, supply
from synthtrace.classify.recipes import Recipe
from synthtrace.classify.scenarios import candidates_for, fold_numbers
from synthtrace.errors import InputError
from synthtrace.params import AUGMENT, Params
from synthtrace.tables import UNFILLED, with_role


def filled(
    kind: str, recipes: list[Recipe], manifest: pd.DataFrame, folds: pd.DataFrame, params: Params, parameter: str
) -> tuple[list[Recipe], pd.DataFrame]:
    """Recipes with the mixing rates that pools of a kind can fill in every fold, and the other points (tables.UNFILLED).

    Raises:
        InputError: naming `parameter`, which holds the rates: fewer of a class were kept than a rate needs, where the recipe
            leaves the choice to the selection table; or a rate leaves nothing to draw in a phase of synthetic images alone.
    """
    numbers = fold_numbers(folds)
    real = {fold: len(with_role(manifest, folds, fold, "train")) for fold in numbers}
    left: list[Recipe] = []
    unfilled: list[tuple] = []
    for recipe in recipes:
        tables = {fold: candidates_for(recipe.selection, kind, fold, params) for fold in numbers}
        rates = []
        for rate in recipe.rates:
            needed = {fold: mixed_in(rate, real[fold]) for fold in numbers}
            _check_phases(kind, recipe, rate, needed, parameter)
            least = {
                fold: supply(table["label"].to_numpy(), table["kept"].to_numpy(dtype=bool), needed[fold])
                for fold, table in tables.items()
            }
            if recipe.selection is None:
                for fold, one in least.items():
                    check_pool(one, kind, fold, f"{parameter} {rate}", params.dataset.labels[one.label])
            if all(one.enough for one in least.values()):
                rates.append(rate)
                continue
            point = (recipe.name, kind, recipe.selection, recipe.mode, rate)
            unfilled += [(*point, fold, one.label, one.kept, one.candidates, one.needed) for fold, one in least.items()]
        if rates:
            left.append(replace(recipe, rates=rates))
    return left, pd.DataFrame(unfilled, columns=UNFILLED)


def told(unfilled: pd.DataFrame, labels: list[str]) -> str:
    """One line on points that are not trained."""
    points = len(unfilled.drop_duplicates(UNFILLED[:5]))
    least = unfilled.sort_values(["kept", "fold"], kind="stable").iloc[0]
    return (
        f"{points} {'point is' if points == 1 else 'points are'} left out, because too few candidates are kept: of "
        f"{least['selection']} as few as {least['kept']} of {least['candidates']} {labels[least['label']]} "
        f"(fold {least['fold']}), where {least['needed']} are needed; see unfilled.csv"
    )


def _check_phases(kind: str, recipe: Recipe, rate: float, needed: dict[int, int], parameter: str) -> None:
    empty = [fold for fold, count in needed.items() if not count]
    if recipe.mode != AUGMENT and empty:
        raise InputError(
            f"{parameter} {rate} gives {kind} fold {empty[0]} no synthetic image, but mode {recipe.mode!r} trains on synthetic "
            "images alone; expected a higher rate"
        )
