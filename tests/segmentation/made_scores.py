"""Scores of test pairs with known answers, for every recipe that a study asks for."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from made_study import parameters

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.segment.recipes import Recipe, recipes_of
from synthtrace.segment.tables import SCORES, SKIPPED

PARAMS = parameters()
IMAGES = [f"t{number}" for number in range(6)]
OF_IMAGE = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
TRAIN = ["a0", "a1"]
MANIFEST = pd.DataFrame(
    {
        "image_id": [*IMAGES, *TRAIN],
        "patient_id": [*(f"P{number // 2}" for number in range(6)), "A", "A"],
        "pixel_hash": [f"h{number}" for number in range(8)],
        "mask_area": 0.25,
    }
)
FOLDS = MANIFEST[["image_id", "patient_id"]].assign(fold=0, role=["test"] * 6 + ["train"] * 2)


def wanted(params: SegmentationParams = PARAMS) -> list[Recipe]:
    return recipes_of(params.mixes, params.kinds)


def effect(recipe: Recipe, seed: int) -> float:
    """Real pairs alone: none; others: 0.1 more; and 0.02 more in the second seed of all."""
    return (0.0 if recipe.kind == "real" else 0.1) + 0.02 * seed


def scored(recipe: Recipe, seed: int, of: Callable[[Recipe, int], float] = effect) -> pd.DataFrame:
    iou = OF_IMAGE + of(recipe, seed)
    key = {"recipe": recipe.name, "design": recipe.design, "kind": recipe.kind, "control": recipe.control}
    key |= {"multiple": recipe.multiple, "alpha": recipe.alpha, "size": recipe.size, "saw_all": recipe.saw_all}
    table = pd.DataFrame({"image_id": IMAGES, "group_id": [f"P{number // 2}" for number in range(6)], "iou": iou})
    table = table.assign(dice=2 * iou / (1 + iou), dice_loss=1 - iou, mask_area=0.25, predicted_area=iou / 2)
    return table.assign(**key, seed=seed, fold=0)[SCORES]


def scores(params: SegmentationParams = PARAMS, skip: frozenset[str] = frozenset()) -> pd.DataFrame:
    tables = [scored(one, seed) for one in wanted(params) if one.name not in skip for seed in range(params.segmenter.seeds)]
    return pd.concat(tables, ignore_index=True)


def by_item(table: pd.DataFrame, params: SegmentationParams = PARAMS) -> dict[str, pd.DataFrame]:
    item = {one.name: one.pool for one in wanted(params)}
    return {name: table[table["recipe"].map(item) == name] for name in ["real", *params.generators.pools]}


def listed(*names: str, params: SegmentationParams = PARAMS) -> dict[str, pd.DataFrame]:
    """Of each item its skipped recipes."""
    rows = [(one.pool, one.name) for one in wanted(params) if one.name in names]
    empty = pd.DataFrame(columns=SKIPPED)
    return {
        item: pd.DataFrame([{"recipe": name, "reason": "too few"} for of, name in rows if of == item], columns=SKIPPED)
        if any(of == item for of, _ in rows)
        else empty
        for item in ["real", *params.generators.pools]
    }
