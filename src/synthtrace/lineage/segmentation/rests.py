"""What a number of the segmentation study is computed from, where that is less than its stage reads."""

from synthtrace.lineage.run import read_object
from synthtrace.lineage.segmentation.study import SEGMENTERS, PairStudy
from synthtrace.lineage.trace.target import SUMMARY
from synthtrace.segment.recipes import REAL

PREDICTIONS = "data/predictions"


def of_scores(study: PairStudy, path: str, key: str) -> dict[str, list[str]] | None:
    """Of a recipe's number, the tables of the item that trained it, and of `real` for a difference; None where it is all.

    All recipes are scored on the same test images, which is what the bootstrap draws from. Rows of fidelity rest on all pools:
    as many images of each are drawn as the smallest one has.
    """
    if path != SUMMARY:
        return None
    recipes = read_object(study.path(SUMMARY)).get("recipes", {})
    name = max((name for name in recipes if key.startswith(f"recipes.{name}.")), key=len, default=None)
    if name is None:
        return None
    below = key.removeprefix(f"recipes.{name}.")
    items = dict.fromkeys([recipes[name]["pool"], *([REAL] if below.startswith("versus_real.") else [])])
    return {
        PREDICTIONS: [f"{PREDICTIONS}/{item}.parquet" for item in items],
        SEGMENTERS: [f"{SEGMENTERS}/{item}" for item in items],
    }
