"""Tables 3 to 6 of paper 2, and which of their cells are empty and why."""

from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.report.formats import number
from synthtrace.segment.recipes import REAL
from synthtrace.segment.tables import read_drawn

GAN = "gan"  # a generator a pair, however many pairs there are
TITLES = {
    "3": (
        "Synthetic pairs alone",
        "At most N synthetic pairs stand for each real one, of which selection may have kept none; the first row is real pairs "
        "alone.",
    ),
    "4": (
        "Synthetic pairs added, no augmentation",
        "An epoch adds a variant to each real pair that has any with probability \N{GREEK SMALL LETTER ALPHA}.",
    ),
    "5": ("Synthetic pairs added, with standard augmentation", "The same, and all images are altered on the fly."),
    "6": (
        "Small sets",
        "N real pairs, and at most r variants of each. Where the generator saw all training pairs, as in the paper, the set is "
        "not really small: the answer rests on the rows whose generator was trained on these N pairs alone. Generator and "
        "network learn from few pairs there, while clusters, in-domain features and the limits by which selection drops pairs "
        "are those of all training pairs. The N pairs were drawn once.",
    ),
}


def tables(root: Path, summary: dict[str, Any], params: SegmentationParams) -> list[dict[str, Any]]:
    """Number, title, note and rows of each table of the study; skipped recipes are left out.

    A row has `name`, `size`, `saw`, `multiple`, the blocks `iou` and `dice_loss`, `versus` (None of real pairs) and `drawn`.
    """
    counts = drawn(root, [REAL, *params.generators.pools])
    return [
        {
            "number": number,
            "title": TITLES[number][0],
            "note": TITLES[number][1],
            "small": number == "6",
            "multiples": number in ("3", "6"),
            "rows": [_row(name, summary["recipes"][name], counts) for name in names if name in summary["recipes"]],
        }
        for number, names in summary["tables"].items()
    ]


def _row(name: str, recipe: dict[str, Any], counts: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "name": recipe["kind"],
        "size": recipe["size"],
        "saw": saw(recipe),
        "multiple": recipe["multiple"],
        "iou": recipe["iou"],
        "dice_loss": recipe["dice_loss"],
        "versus": recipe["versus_real"],
        "drawn": counts[name],
    }


def saw(recipe: dict[str, Any]) -> str | None:
    """What the generator behind a mix of a small set saw; null of real pairs."""
    if recipe["kind"] == REAL:
        return None
    if recipe["kind"] == GAN:
        return "the one pair"
    return "all pairs" if recipe["saw_all"] else "the N"


def drawn(root: Path, items: list[str]) -> dict[str, list[str]]:
    """`28 real` and `54 synthetic`, by recipe: distinct pairs that its trainings really drew, the mean over seeds."""
    table = pd.concat([read_drawn(root / f"data/segmenters/{item}") for item in items], ignore_index=True)
    table["real"] = table["image_id"] == table["source_image_id"]
    found = table.groupby(["recipe", "seed"])["real"].agg(["sum", "size"]).groupby("recipe").mean()
    return {
        str(recipe): [f"{number(count, 0)} {word}" for count, word in ((real, "real"), (size - real, "synthetic")) if count]
        for recipe, real, size in found.itertuples()
    }


def skipped(summary: dict[str, Any]) -> list[dict[str, str]]:
    """Recipe and reason of what was not trained, and in which tables it would stand."""
    places = {name: [number for number, names in summary["tables"].items() if name in names] for name in _skipped(summary)}
    return [
        {"recipe": one["recipe"], "reason": one["reason"], "tables": ", ".join(places[one["recipe"]])}
        for one in summary["skipped"]
    ]


def _skipped(summary: dict[str, Any]) -> list[str]:
    return [one["recipe"] for one in summary["skipped"]]
