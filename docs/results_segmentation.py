"""The generated part of a preset of the segmentation study in docs/results.md: paper 2's Tables 1 to 6, with our figures."""

import json
from pathlib import Path
from typing import Any

import yaml
from results_cells import MISSING, difference, figure, interval, mean_sd, table

from synthtrace.report.gates import read_gates
from synthtrace.report.segmentation.tables import TITLES, saw

Evidence = dict[str, Any]
# what tells the rows of a table apart, besides the kind of pool
COLUMNS = {
    "3": {"N": "multiple"},
    "4": {"alpha": "alpha"},
    "5": {"alpha": "alpha"},
    "6": {"N": "size", "r": "multiple"},
}
METRICS = {"iou": "IoU", "dice_loss": "Dice loss"}
FID, MS_SSIM = "fid", "ms_ssim"
NAMES = {FID: "FID, antialiased", MS_SSIM: "MS-SSIM"}


def size(evidence: Path, summary: Evidence) -> str:
    """What was tested, and how often it was trained."""
    seeds = "1 seed" if summary["seeds"] == 1 else f"{summary['seeds']} seeds"
    return f"{summary['images']} test images of {summary['groups']} {units(evidence)}, {seeds}"


def units(evidence: Path) -> str:
    """What an interval draws whole: patients, or groups of images."""
    dataset = yaml.safe_load((evidence / "params.yaml").read_text())["dataset"]
    return "patients" if dataset["patient_ids"] == "manifest" else "groups of images"


def tables(evidence: Path, summary: Evidence) -> list[str]:
    """Tables 1 to 6 and the gates."""
    return [
        *quality(json.loads((evidence / "metrics/fidelity.json").read_text())),
        *scores(summary, units(evidence)),
        *gates(evidence / "metrics/quality"),
    ]


def quality(found: Evidence) -> list[str]:
    """Tables 1 and 2 in one: how near pools come to the training images, and how varied they are."""
    near = distances(found)
    metrics = [*near, MS_SSIM]
    rows = [
        [
            pool["kind"],
            pool["part"],
            f"{pool['images']} of {pool['available']}",
            untouched(pool),
            *(over_draws(pool.get(name)) for name in metrics),
        ]
        for pool in found["pools"]
    ]
    heads = ["images of", "part", "images", "untouched", *(f"{NAMES.get(name, f'`{name}`')}: mean ± sd" for name in metrics)]
    return [
        "**Tables 1 and 2. Nearness and variety of pools.**",
        "",
        *table(heads, rows),
        f"Means of {found['draws']} draws, which stand in brackets; `real` is training images, half against half. "
        f"`{near[-1]}` is the Fréchet distance to training images in the space of an in-domain {found['extractor']['name']}, "
        "lower being nearer; it is no FID and compares with nothing outside this study. MS-SSIM is the similarity of pairs of "
        f"images, in {found['ms_ssim']['scales']} of five scales, lower being more varied. Untouched: the share of pixels that "
        "are the real image's own, which flatters a distance to it. Compare rows of like numbers of images."
        + ("" if found["inception"] else f" FID is {MISSING}: no Inception weights were given (`fidelity.inception`)."),
        "",
    ]


def distances(found: Evidence) -> list[str]:
    """Names of the distances: FID, whether it was measured or not, and that in the space of the study's own features."""
    return [FID, *(name for name in found["pools"][0] if name.startswith("fd_"))]


def over_draws(block: Evidence | None) -> str:
    """A metric's mean, and what it was of each draw unless all draws are the whole pool; `block` is None of too few images."""
    if block is None or block["mean"] is None:
        return MISSING
    if block["deviation"] is None:
        return figure(block["mean"])
    return f"{figure(block['mean'])} ± {figure(block['deviation'])} ({', '.join(map(figure, block['values']))})"


def untouched(pool: Evidence) -> str:
    """The share of pixels that inpainting left alone, of inpainted pools."""
    return "" if pool["untouched"] is None else f"{100 * pool['untouched']:.1f}%"


def scores(summary: Evidence, drawn: str) -> list[str]:
    """Tables 3 to 6, a row a recipe; what was not trained says why."""
    skipped = {one["recipe"]: one for one in summary["skipped"]}
    lines = []
    for number, names in summary["tables"].items():
        small = number == "6"
        heads = ["trained on", *COLUMNS[number], *(["generator saw"] if small else [])]
        heads += [
            head for name in METRICS.values() for head in (f"{name} [95% interval]", f"{name} less real's [95% interval]")
        ]
        rows = []
        for name in names:
            recipe = summary["recipes"].get(name) or skipped[name]
            row = [recipe["kind"], *("" if recipe[key] is None else f"{recipe[key]:g}" for key in COLUMNS[number].values())]
            row += [saw(recipe) or ""] if small else []
            rows.append(row + _figures(recipe))
        title, note = TITLES[number]
        lines += [f"**Table {number}. {title}.** {note}", "", *table(heads, rows)]
    return [
        *lines,
        f"Means over test images and seeds, ± the deviation over seeds. Intervals are of {summary['bootstrap']} bootstrap "
        f"resamples of whole {drawn} of the test set, paired for differences, and hold the trainings fixed. Real pairs that a "
        "mix is compared with are trained with the same augmentation, in Table 6 the same N pairs. A higher IoU and a lower "
        "Dice loss are better.",
        "",
    ]


def _figures(recipe: Evidence) -> list[str]:
    if "reason" in recipe:
        return [f"{MISSING}: {recipe['reason']}", *[""] * (2 * len(METRICS) - 1)]
    versus = recipe["versus_real"] or {}
    return [cell for name in METRICS for cell in (score(recipe[name]), difference(versus.get(name)))]


def score(block: Evidence) -> str:
    """A mean with its deviation over seeds and its interval."""
    return f"{mean_sd(block)} [{interval(block['ci95'])}]"


def gates(folder: Path) -> list[str]:
    """How many gates are open, and a line a gate with what did not hold."""
    found = read_gates(folder)
    closed = [one["gate"] for one in found if not one["pass"]]
    lines = [
        f"Gates: {len(found) - len(closed)} of {len(found)} open; closed: {', '.join(closed) or 'none'}. What did not hold:"
    ]
    lines += [f"- {one['gate']}: {', '.join(row['name'] for row in one['findings'])}." for one in found if one["findings"]]
    return lines if len(lines) > 1 else [f"{lines[0]} nothing."]
