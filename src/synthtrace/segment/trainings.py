"""All trainings of a stage item: checked before the first one, followed by Weights & Biases, collected."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from synthtrace import compute
from synthtrace.errors import InputError
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.seeds import Seeds
from synthtrace.segment.grid import Cell, split_skipped, train_grid
from synthtrace.segment.inputs import groups_of, kept_pairs, real_pairs
from synthtrace.segment.kept import save_kept
from synthtrace.segment.pairs import SegmentationSet
from synthtrace.segment.recipes import REAL, Recipe, recipes_of
from synthtrace.segment.tables import DRAWN, FOLD, SCORES, SKIPPED, write_drawn, write_scores, write_skipped
from synthtrace.stage import Stage, progress
from synthtrace.tables import read_folds, read_manifest
from synthtrace.tracking import track

CROPS, FOLDS = Path("data/crops"), Path("data/folds/folds.csv")


@dataclass
class Done:
    """Scores and drawn pairs of an item's trainings, the recipes that were skipped, and its first training whole."""

    sources: dict[str, str]
    skipped: pd.DataFrame
    first: Cell | None = None
    _scores: list[pd.DataFrame] = field(default_factory=list)
    _drawn: list[pd.DataFrame] = field(default_factory=list)

    def add(self, cell: Cell) -> None:
        """Take one training in; the networks but the first are let go."""
        self.first = self.first or cell
        self._scores.append(cell.scores.assign(fold=FOLD))
        drawn = pd.DataFrame(
            {"image_id": cell.trained.seen, "source_image_id": [self.sources[one] for one in cell.trained.seen]}
        )
        self._drawn.append(drawn.assign(recipe=cell.recipe.name, seed=cell.seed, fold=FOLD))

    def write(self, table: Path, folder: Path, manifest: pd.DataFrame, params: SegmentationParams) -> None:
        """Write the scores to `table`; below `folder` the first network with its card, training.parquet and skipped.csv."""
        folder.mkdir(parents=True)
        write_scores(table, pd.concat(self._scores) if self._scores else pd.DataFrame(columns=SCORES))
        write_drawn(folder, pd.concat(self._drawn) if self._drawn else pd.DataFrame(columns=DRAWN))
        write_skipped(folder, self.skipped[SKIPPED])
        if self.first is not None:
            save_kept(folder, self.first, self.sources, manifest, params.segmenter, params.seed)


def dealt(item: str, params: SegmentationParams) -> list[Recipe]:
    """The recipes of a stage item: those of real pairs alone (`real`), or those that read one pool and no other.

    So the recipes of a small set whose generator saw the set alone belong to that generator's pool, and a changed pool trains
    again what read it and nothing else. Raises InputError when there is no such item.
    """
    if item not in (items := [REAL, *params.generators.pools]):
        raise InputError(f"no item {item!r}; expected one of {', '.join(items)}")
    return [recipe for recipe in recipes_of(params.mixes, params.kinds) if recipe.pool == item]


def train_item(run: Stage[SegmentationParams], item: str) -> Done:
    """Train every recipe of an item with every seed, but for recipes that the item's pool or the real pairs cannot fill.

    Raises:
        InputError: before any training: an unknown item or encoder, images that the network cannot take, or a pair that cannot
            be read or was made from none of the training pairs.
    """
    params = run.params
    recipes = dealt(item, params)
    manifest, folds = read_manifest(CROPS), read_folds(FOLDS)
    groups, channels = groups_of(manifest, params.dataset.patient_ids), params.preprocess.channels
    real = real_pairs(CROPS, manifest, folds, FOLD, "train", channels, groups)
    test = real_pairs(CROPS, manifest, folds, FOLD, "test", channels, groups)
    inputs = [CROPS / "manifest.csv", CROPS / "images", CROPS / "masks", FOLDS]
    pool: SegmentationSet | None = None
    if item != REAL:
        made, selected = Path(f"data/pools/{item}"), Path(f"data/selected/{item}")
        inputs += [made, selected]
        pool = kept_pairs(made / f"fold{FOLD}", selected / f"fold{FOLD}", real, channels)
    settings, seeds = params.segmenter, Seeds(params.seed)
    recipes, skipped = split_skipped(recipes, real, lambda _: pool, settings, seeds)
    for name, reason in zip(skipped["recipe"], skipped["reason"], strict=True):
        run.say(f"skipped: {name}: {reason}")
    both = real if pool is None else real + pool
    done = Done(dict(zip(both.image_ids, both.source_ids, strict=True)), skipped)
    device = compute.set_up(run)
    trainings = len(recipes) * settings.seeds
    run.say(f"{trainings} trainings of {settings.steps} steps, {len(test)} test pairs ({device})")
    config = {**settings.model_dump(), "item": item, "recipes": [asdict(recipe) for recipe in recipes], "seed": params.seed}
    precision = compute.precision(params.compute.precision, device)
    with track(run, run.name, inputs, config) as tracker:
        grid = train_grid(recipes, real, lambda _: pool, test, settings, seeds, device, precision)
        for cell in progress(grid, run.name, total=trainings, unit="training"):
            tracker.curve(cell.name, cell.trained.losses, cell.trained.learning_rates)
            done.add(cell)
    return done
