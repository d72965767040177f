"""All trainings of the segmentation study: every recipe with every seed, and what was skipped."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import torch

from synthtrace.params.segmenter import Segmenter
from synthtrace.seeds import Seeds
from synthtrace.segment.mixing import PoolOf, plan, why_skipped
from synthtrace.segment.networks import check_network, predict
from synthtrace.segment.pairs import SegmentationSet
from synthtrace.segment.recipes import RECIPE, Recipe
from synthtrace.segment.scores import score_table
from synthtrace.segment.train import Trained, train


@dataclass(frozen=True)
class Cell:
    """One training of a recipe: its scores on the test pairs (`score_table`, with RECIPE and `seed` in front)."""

    recipe: Recipe
    seed: int
    trained: Trained
    scores: pd.DataFrame

    @property
    def name(self) -> str:
        """Recipe and seed."""
        return f"{self.recipe.name}/seed{self.seed}"


def split_skipped(
    recipes: Iterable[Recipe], real: SegmentationSet, pool_of: PoolOf, settings: Segmenter, seeds: Seeds
) -> tuple[list[Recipe], pd.DataFrame]:
    """The recipes that can be trained, and a table (RECIPE, `reason`) of those that cannot; raises as `why_skipped`."""
    trainable, rows = [], []
    for recipe in recipes:
        reason = why_skipped(recipe, real, pool_of, settings, seeds)
        if reason is None:
            trainable.append(recipe)
        else:
            rows.append({**_columns(recipe), "reason": reason})
    return trainable, pd.DataFrame(rows, columns=[*RECIPE, "reason"])


def train_grid(
    recipes: Iterable[Recipe],
    real: SegmentationSet,
    pool_of: PoolOf,
    test: SegmentationSet,
    settings: Segmenter,
    seeds: Seeds,
    device: torch.device,
    precision: str = "float32",
) -> Iterator[Cell]:
    """Yield the trainings, recipe by recipe and seed by seed; test pairs are only predicted, and nothing is chosen on them.

    Raises InputError before the first training when the network cannot be made for such images, and as `plan` and `train`.
    """
    check_network(settings.architecture, settings.encoder, real.images.shape[-1])
    for recipe in recipes:
        pool = pool_of(recipe)
        for seed in range(settings.seeds):
            made = plan(recipe, real, pool, settings.validation_share, seeds, seed)
            where = f"{recipe.name} seed {seed}"
            trained = train(
                made, settings, altered=recipe.control, seeds=seeds, seed=seed, device=device, where=where, precision=precision
            )
            scores = score_table(predict(trained.network, test.images, device), test)
            key = {**_columns(recipe), "seed": seed}
            yield Cell(recipe, seed, trained, scores.assign(**key)[[*key, *scores.columns]])


def _columns(recipe: Recipe) -> dict[str, Any]:
    return {"recipe": recipe.name, **{name: asdict(recipe)[name] for name in RECIPE[1:]}}
