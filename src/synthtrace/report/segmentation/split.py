"""Who trained and who tested, what to beware of, and which networks stand behind styled pairs."""

from typing import Any

import pandas as pd

from synthtrace.folds.units import units_of
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.report.formats import share

FEW = 10  # groups of test images below which an interval is rough


def split(crops: pd.DataFrame, folds: pd.DataFrame, params: SegmentationParams) -> dict[str, Any]:
    """How the test set was chosen, and a row a label and one of all: images, units and empty masks of each role."""
    named = crops.merge(folds.loc[folds["fold"] == 0, ["image_id", "role"]], on="image_id")
    named["unit"] = units_of(named, params.dataset.patient_ids)
    names = [*params.dataset.labels, None]
    settings = params.split
    return {
        "how": f"images whose {settings.column} is {' or '.join(settings.test)}"
        if settings.column and settings.test
        else f"a share of {settings.test_share:g} of all, drawn at random",
        "rows": [
            {"name": name or "all"}
            | {
                role: _counts(named[(named["role"] == role) & ((named["label_name"] == name) | (name is None))])
                for role in ("train", "test")
            }
            for name in names
        ],
    }


def _counts(rows: pd.DataFrame) -> dict[str, Any]:
    empty = int((rows["mask_area"] == 0).sum())
    return {"images": len(rows), "units": rows["unit"].nunique(), "empty": share(empty, len(rows))}


def warnings(summary: dict[str, Any], params: SegmentationParams, clusters: dict[str, Any], units: str) -> list[str]:
    """Sentences on what the study cannot say."""
    said = []
    if params.dataset.patient_ids == "none":
        said.append(
            "The data set has no patient ids: images of one patient may have trained and tested. Where one person has several "
            "images, these numbers are too good and these intervals too narrow."
        )
    if params.split.column is None:
        said.append("Test pairs were drawn from the same sources as training pairs; another hospital's may score otherwise.")
    if summary["groups"] < 2:
        said.append(f"All test images are of one of the {units}: there are no intervals, and no conclusion is drawn.")
    elif summary["groups"] < FEW:
        said.append(f"Intervals rest on {summary['groups']} {units} alone and are rough.")
    if summary["seeds"] == 1:
        said.append("Every mix was trained once: how much another seed would have changed is unknown.")
    said += [f"Clusters: {sentence}." for sentence in clusters["warnings"]]
    if summary["skipped"]:
        count = len(summary["skipped"])
        said.append(f"{count} {'mix' if count == 1 else 'mixes'} could not be trained: listed below with the reason.")
    return said


def style_networks(params: SegmentationParams) -> str:
    """Which networks the terms of style transfer look through, in a sentence."""
    own = "the study's own feature extractor"
    perceptual = own if params.style.perceptual is None else "VGG16"
    token = own if params.style.token is None else params.style.token.backbone
    return f"Content is compared in features of {perceptual}, style in those of {token}; paper: VGG16, a vision transformer."
