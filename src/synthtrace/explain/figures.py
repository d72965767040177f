"""`data/explanations`: written whole, and the figures of metrics/explain.json made from it alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import to_pixels, write_image

TABLE, VALUES, IMAGES = "explanations.parquet", "values.npy", "images"

# the same in every row: what was explained, and how
SETTINGS = ["scenario", "backbone", "fold", "seed_index", "background", "samples"]
COLUMNS = ["image_id", "source", "label", "label_name", "explained", "probability", "margin", "expected"]


def write_explanations(folder: Path, table: pd.DataFrame, values: np.ndarray, images: np.ndarray) -> None:
    """Write explanations.parquet (SETTINGS and COLUMNS, a row an image), and in its order values.npy and images/ID.png.

    `values` float32 and `images` uint8, both (N, C, H, W). `explained` is the class whose logit margin the values divide up,
    `probability` that class's.
    """
    (folder / IMAGES).mkdir(parents=True)
    table[SETTINGS + COLUMNS].to_parquet(folder / TABLE, index=False)
    np.save(folder / VALUES, values)
    for image_id, image in zip(table["image_id"], images, strict=True):
        write_image(folder / IMAGES / f"{image_id}.png", to_pixels(image))


def from_explanations(folder: Path) -> dict[str, Any]:
    """metrics/explain.json from data/explanations: an image's sum of values, and how far it misses what it should add up to.

    `additivity_error` is |sum - (margin - expected)| in logits, its mean and maximum over images; `relative_error` is the mean
    error over the mean |margin - expected|, and the largest |sum / (margin - expected) - 1| of an image.

    Raises:
        InputError: the table or the values are missing or do not belong together.
    """
    for path in (folder / TABLE, folder / VALUES):
        if not path.exists():
            raise InputError(f"{path}: no such file; run the stage explain")
    try:
        table, values = pd.read_parquet(folder / TABLE), np.load(folder / VALUES)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: not readable explanations ({error})") from None
    if len(table) != len(values):
        raise InputError(f"{folder / VALUES}: expected the values of the {len(table)} images of {TABLE}, found {len(values)}")
    settings: dict[Any, Any] = table[SETTINGS].to_dict(orient="records")[0]
    images: list[dict[Any, Any]] = table[COLUMNS].to_dict(orient="records")
    for image, of_image in zip(images, values, strict=True):
        image["sum"] = float(of_image.sum(dtype=np.float64))
        image["additivity_error"] = abs(image["sum"] - (image["margin"] - image["expected"]))
    errors = np.array([image["additivity_error"] for image in images])
    shares = np.array([abs(image["margin"] - image["expected"]) for image in images])
    return {
        **settings,
        "images": images,
        "additivity_error": {"mean": float(errors.mean()), "max": float(errors.max())},
        "relative_error": {
            "mean": float(errors.sum() / shares.sum()) if shares.any() else None,
            "max": float((errors / shares).max()) if shares.all() else None,
        },
    }
