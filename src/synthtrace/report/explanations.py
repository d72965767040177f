"""SHAP values over their images (paper 0, Figure 6), from data/explanations and metrics/explain.json."""

from pathlib import Path
from typing import Any

from synthtrace.errors import InputError
from synthtrace.explain.overlay import AGAINST, FOR, overlay, shared_limit
from synthtrace.images import read_image
from synthtrace.report.formats import compact, number
from synthtrace.report.pictures import picture_uri
from synthtrace.report.reading import read_array, read_json

LARGEST = 224


def explanations(root: Path, labels: list[str]) -> dict[str, Any]:
    """Every explained image beside its overlay, in one row a source, with the colours' key and the errors.

    All overlays share one limit, so that equal colours are equal values. Raises InputError when a file is missing, or when the
    values are not as many as the images.
    """
    found = read_json(root / "metrics/explain.json")
    folder = root / "data/explanations"
    values = read_array(folder / "values.npy")
    if len(values) != len(found["images"]):
        raise InputError(
            f"{folder / 'values.npy'}: expected values of the {len(found['images'])} images of metrics/explain.json, "
            f"found {len(values)}"
        )
    limit = shared_limit(values)
    rows: dict[str, list[dict[str, Any]]] = {}
    for image, of_image in zip(found["images"], values, strict=True):
        pixels = read_image(folder / f"images/{image['image_id']}.png")
        rows.setdefault(image["source"], []).append(
            {
                "class": image["label_name"],
                "note": f"{image['source']}, {image['label_name']}, {image['image_id']}",
                "uri": picture_uri(pixels, LARGEST),
                "overlay": picture_uri(overlay(pixels, of_image, limit), LARGEST),
                "explained": labels[image["explained"]],
                "probability": number(image["probability"]),
                "error": number(image["additivity_error"]),
            }
        )
    relative = (found.get("relative_error") or {}).get("mean")
    return {
        **{key: found[key] for key in ("scenario", "backbone", "fold", "seed_index", "background", "samples")},
        "rows": [{"source": source, "images": images} for source, images in rows.items()],
        "error": {key: number(found["additivity_error"].get(key)) for key in ("mean", "max")},
        "relative": None if relative is None else f"{100 * relative:.1f}%",
        "limit": compact(limit),
        "colours": {"supports": _css(FOR), "opposes": _css(AGAINST)},
    }


def _css(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
