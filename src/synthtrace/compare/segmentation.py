"""The segmentation study's numbers: metrics/summary.json and the tables behind its plots (paper 2, Tables 3 to 6).

A pure function of the trainings' scores on the test pairs, of which recipes were skipped, and of the folds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.seeds import Seeds
from synthtrace.segment.recipes import REAL, RECIPE, Recipe, recipes_of, reference_of
from synthtrace.segment.scores import METRICS
from synthtrace.segment.tables import FOLD, read_scores, read_skipped
from synthtrace.statistics.segmentation import summarise

AGAIN = "segment again"
PLOTS = {"synthetic": ["3"], "augment": ["4", "5"], "small": ["6"]}


@dataclass(frozen=True)
class Comparison:
    """`summary` as written to metrics/summary.json.

    `plots`: what Tables 3 (`synthetic`), 4 and 5 (`augment`) and 6 (`small`) show, a row a recipe and metric: the columns of
    the recipe (RECIPE), then of `statistics.segmentation.SUMMARY`.
    """

    summary: dict[str, Any]
    plots: dict[str, pd.DataFrame]


def from_workspace(root: Path, folds: pd.DataFrame, params: SegmentationParams) -> Comparison:
    """The comparison of what lies in `root`: data/predictions/<item>.parquet and data/segmenters/<item>/skipped.csv.

    Raises:
        InputError: a table is missing or unreadable, or as `compare`.
    """
    items = [REAL, *params.generators.pools]
    scores = pd.concat([read_scores(root / f"data/predictions/{item}.parquet") for item in items], ignore_index=True)
    skipped = pd.concat([read_skipped(root / f"data/segmenters/{item}") for item in items], ignore_index=True)
    return compare(scores, dict(zip(skipped["recipe"], skipped["reason"], strict=True)), folds, params)


def compare(scores: pd.DataFrame, skipped: Mapping[str, str], folds: pd.DataFrame, params: SegmentationParams) -> Comparison:
    """Every recipe that the parameters ask for: means over seeds of the mean over test images, and what they differ by.

    Intervals are of paired bootstrap resamples of whole groups of test images; of one group there is none.

    Args:
        scores: `segment.tables.SCORES` of all items.
        skipped: why a recipe was not trained, by its name.
        folds: folds.csv.
        params: the study's parameters.

    Raises:
        InputError: scores are not those of the recipes, seeds and test images that are asked for, each once; or the recipe of
            real pairs that another one is compared with was skipped.
    """
    recipes = recipes_of(params.mixes, params.kinds)
    trained = [recipe for recipe in recipes if recipe.name not in skipped]
    _check(scores, trained, params.segmenter.seeds, folds)
    rng = Seeds(params.seed).stream("compare", "bootstrap")
    references = {recipe.name: other.name for recipe in trained if (other := reference_of(recipe))}
    table = summarise(scores, METRICS, params.compare.bootstrap, rng, references)
    groups = int(table["groups"].iloc[0])
    tables = tables_of(recipes)
    summary: dict[str, Any] = {
        "images": int(table["images"].iloc[0]),
        "groups": groups,
        "seeds": params.segmenter.seeds,
        "bootstrap": params.compare.bootstrap,
        "recipes": {
            recipe.name: asdict(recipe) | {"pool": recipe.pool} | _entry(table[table["recipe"] == recipe.name], groups)
            for recipe in trained
        },
        "tables": tables,
        "skipped": [
            {"recipe": recipe.name, **asdict(recipe), "reason": skipped[recipe.name]}
            for recipe in recipes
            if recipe.name in skipped
        ],
    }
    if groups < 2:
        table = table.assign(lo=None, hi=None, difference_lo=None, difference_hi=None)
    described = pd.DataFrame([{"recipe": recipe.name, **asdict(recipe)} for recipe in trained], columns=RECIPE)
    table = described.astype({"multiple": "Int64", "size": "Int64"}).merge(table, on="recipe")
    shown = {
        name: table[table["recipe"].isin([recipe for number in numbers for recipe in tables.get(number, [])])]
        for name, numbers in PLOTS.items()
    }
    return Comparison(summary, shown)


def tables_of(recipes: Iterable[Recipe]) -> dict[str, list[str]]:
    """Names of the recipes of Tables 3 (synthetic pairs alone), 4 and 5 (added, without and with control) and 6 (small sets).

    Tables 3 to 5 begin with real pairs alone, trained with the same augmentation.
    """
    tables: dict[str, list[str]] = {"3": [], "4": [], "5": [], "6": []}
    for recipe in recipes:
        if recipe.design == "small":
            tables["6"].append(recipe.name)
            continue
        own = "5" if recipe.control else "4"
        if recipe.design in ("full", "augment"):
            tables[own].append(recipe.name)
        if recipe.control and recipe.design in ("full", "synthetic"):
            tables["3"].append(recipe.name)
    # a control that was not asked for has a reference and nothing to compare with it
    return {name: rows for name, rows in tables.items() if len(rows) > (name != "6")}


def _entry(rows: pd.DataFrame, groups: int) -> dict[str, Any]:
    """A recipe's METRICS, each {"mean", "sd", "ci95"}, and `versus_real`: the reference, and differences by metric."""
    entry: dict[str, Any] = {}
    versus: dict[str, Any] = {}
    for row in rows.to_dict("records"):
        sd = None if row["seed_std"] is None or pd.isna(row["seed_std"]) else float(row["seed_std"])
        entry[row["metric"]] = {"mean": row["mean"], "sd": sd, "ci95": _interval(row, "", groups)}
        if isinstance(row["reference"], str):
            versus["reference"] = row["reference"]
            difference = {"difference": float(row["difference"]), "ci95": _interval(row, "difference_", groups)}
            versus[row["metric"]] = difference
    return entry | {"versus_real": versus or None}


def _interval(row: dict[Any, Any], name: str, groups: int) -> list[float] | None:
    return [float(row[f"{name}lo"]), float(row[f"{name}hi"])] if groups > 1 else None


def _check(scores: pd.DataFrame, recipes: list[Recipe], seeds: int, folds: pd.DataFrame) -> None:
    wanted = {(recipe.name, seed) for recipe in recipes for seed in range(seeds)}
    found = set(zip(scores["recipe"], scores["seed"], strict=True))
    for recipe, seed in sorted(found - wanted):
        raise InputError(f"data/predictions: holds {recipe}, seed {seed}, which the parameters lack or skip; {AGAIN}")
    for recipe, seed in sorted(wanted - found):
        raise InputError(f"data/predictions: {recipe}, seed {seed}, is neither there nor skipped; {AGAIN}")
    for recipe in recipes:
        other = reference_of(recipe)
        if other and other not in recipes:
            raise InputError(f"data/segmenters: {other.name} was skipped, which {recipe.name} is compared with; {AGAIN}")
    test = set(folds.loc[(folds["fold"] == FOLD) & (folds["role"] == "test"), "image_id"].astype(str))
    for (recipe, seed), own in scores.groupby(["recipe", "seed"])["image_id"]:
        if len(own) != len(test) or set(own) != test:
            raise InputError(
                f"data/predictions: {recipe}, seed {seed}, has {len(own)} rows of {own.nunique()} images; expected one of "
                f"each of the {len(test)} test images; {AGAIN}"
            )
