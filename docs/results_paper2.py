"""Tables 1 to 6 of paper 2 (Saragih 2023) beside our cells of them in cpu-polyp."""

import json
from pathlib import Path
from typing import Any

import yaml
from results_beside import NOT_RUN, beside
from results_cells import MISSING, difference, number, table
from results_paper2_figures import KINDS, QUALITY, Cell, Stated, stated
from results_segmentation import MS_SSIM, distances, over_draws, score, untouched

from synthtrace.report.segmentation.tables import TITLES
from synthtrace.segment.recipes import REAL

PRESET = "cpu-polyp"
LISTED = 6  # rows not run that are named; of more their number is told
REMARK = (
    "Of the paper's figures: its real row is the same in Tables 3, 4 and 5, though Table 4 is without augmentation (ours there "
    "is trained without); in Table 3 GAN and Diff have the same figures at every N; in Table 6 real pairs have one row, read "
    "as that of every r, and at N = 128 its IoU is above that of every mix. It states neither intervals nor seeds. Beside its "
    "Table 6 stand our mixes whose generator saw all training pairs, as the paper's did."
)


def section(results: Path) -> list[str]:
    """The cells that the paper and our run have, and what differs; figures of the paper in the columns that say so."""
    metrics = results / PRESET / "metrics"
    if not metrics.exists():
        return [f"Not run: there is no evidence in `results/{PRESET}/`."]
    summary, found = (json.loads((metrics / name).read_text()) for name in ("summary.json", "fidelity.json"))
    params = yaml.safe_load((results / PRESET / "params.yaml").read_text())
    return [
        *_quality(found),
        *_scores(summary),
        REMARK,
        "",
        f"What differs: {'; '.join(_differences(params, summary, found))}.",
    ]


def _quality(found: dict[str, Any]) -> list[str]:
    pools = {pool["kind"]: pool for pool in found["pools"] if pool["part"] != "kept"}
    fid, own = distances(found)
    rows = []
    for name, stated_quality in QUALITY.items():
        pool = pools.get(KINDS[name])
        ours = [NOT_RUN if pool is None else over_draws(pool.get(metric)) for metric in (fid, MS_SSIM)]
        more = [NOT_RUN, NOT_RUN] if pool is None else [over_draws(pool.get(own)), untouched(pool)]
        rows.append([name, *beside(ours, stated_quality), *more])
    heads = ["images of", "FID, ours", "FID, paper's", "MS-SSIM, ours", "MS-SSIM, paper's", f"`{own}`, ours", "untouched, ours"]
    return [
        "Tables 1 and 2 of the paper: three sets each, pools as they were made, as ours are here; `Real` is there the training "
        f"images against themselves, here half against half. `{own}` is no FID.",
        "",
        *table(heads, rows),
    ]


def _scores(summary: dict[str, Any]) -> list[str]:
    recipes = summary["recipes"] | {one["recipe"]: one for one in summary["skipped"]}
    heads = ["trained on", "IoU, ours [95% interval]", "IoU, paper's", "IoU less real's, ours", "IoU less real's, paper's"]
    heads += ["Dice loss, ours [95% interval]", "Dice loss, paper's"]
    lines = []
    for place, rows in stated().items():
        ours = {_key(recipes[name]): recipes[name] for name in summary["tables"].get(place, []) if _as_theirs(recipes[name])}
        both = [_row(row, ours[row.cell]) for row in rows if row.cell in ours]
        others = [row.name for row in rows if row.cell not in ours]
        lines += [f"Table {place} of the paper. {TITLES[place][0]}:", ""]
        lines += table(heads, both) if both else []
        told = ", ".join(others) if len(others) <= LISTED else f"{len(others)} of {len(rows)} rows"
        lines += [f"Not run here: {told}.", ""] if others else []
    return lines


def _as_theirs(recipe: dict[str, Any]) -> bool:
    """Whether, as in the paper, the generator of a small set's variants saw all training pairs."""
    return recipe["design"] != "small" or recipe["kind"] == REAL or recipe["saw_all"]


def _key(recipe: dict[str, Any]) -> Cell:
    return (recipe["kind"], recipe["alpha"], recipe["size"], recipe["multiple"])


def _row(row: Stated, recipe: dict[str, Any]) -> list[str]:
    dice_loss, iou = row.figures
    theirs = "" if row.real is None else number(iou - row.real[1], 4, sign=True)
    if "reason" in recipe:
        return [row.name, f"{MISSING}: skipped", number(iou, 4), "", theirs, "", number(dice_loss, 4)]
    ours = difference((recipe["versus_real"] or {}).get("iou"))
    return [row.name, score(recipe["iou"]), number(iou, 4), ours, theirs, score(recipe["dice_loss"]), number(dice_loss, 4)]


def _seen_through(style: dict[str, Any]) -> str:
    own = "features of our own"
    perceptual, token = ("VGG16" if style["perceptual"] else own), (style["token"]["backbone"] if style["token"] else own)
    return own if perceptual == token else f"{perceptual} and {token}"


def _differences(params: dict[str, Any], summary: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Ours against the paper's: data, size, networks, steps."""
    diffusion, segmenter, split = params["diffusion"], params["segmenter"], params["split"]
    real = found["pools"][0]["available"]
    apart = f"{split['column']} {', '.join(split['test'])}" if split["test"] else "drawn from the same sources"
    weights = segmenter["weights"] or "random"
    return [
        f"{real} training pairs of {Path(params['dataset']['path']).name} against 348 of HyperKvasir",
        f"{summary['images']} test pairs ({apart}) against 200 of the same collection",
        f"{params['preprocess']['image_size']} pixels against 256",
        f"{params['clusters']['count']} clusters at most against 20",
        f"{diffusion['steps']} steps of {diffusion['batch_size']} a diffusion model against 110,000 of 1",
        f"{params['inpainting']['samples']} variants a pair against 3",
        f"{segmenter['architecture']} with {segmenter['encoder']} ({weights} weights), {segmenter['steps']} steps of "
        f"{segmenter['batch_size']} whatever it is trained on, against UNet++ with se_resnext50_32x4d, 150 epochs",
        f"{diffusion['prediction_type']} against noise prediction",
        f"content and style seen through {_seen_through(params['style'])} against VGG16 and a vision transformer",
        "what docs/decisions.md says under Segmentation",
        "ours are trained on what selection keeps, which drops copies; the paper states no selection",
    ]
