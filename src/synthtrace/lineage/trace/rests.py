"""What a number is computed from, where that is less than its stage reads: a table, a pool, and not the whole folder."""

from typing import Any

from synthtrace.lineage.pipeline import producers, within
from synthtrace.lineage.run import Run, read_json
from synthtrace.lineage.segmentation.rests import of_scores
from synthtrace.lineage.segmentation.study import PairStudy
from synthtrace.lineage.study import CURVE, Study
from synthtrace.lineage.trace.target import SUMMARY, Target
from synthtrace.params import REAL

HOLM = "p_holm"
PREDICTIONS, CURVE_FIGURES, FIDELITY = "data/predictions", "metrics/curve.json", "metrics/fidelity.json"

# folders that a stage reads -> the outs in them that matter
Parts = dict[str, list[str]]


def rests_on(study: Run, target: Target) -> Parts | None:
    """The outs that a number is computed from, by the folder dep that holds them; None where it is all that its stage reads.

    `compare` scores each scenario, and each point of the curve, by its own table, and a difference by that of `real` besides;
    all scenarios judge the same patients, which is what the bootstrap draws from, and Holm's correction weighs all of them.
    `score_pools` scores a pool, or a kind's, by
    its images, their selection and the extractor of the fold. Further deps of a stage, such as the crops, matter to all of its
    numbers. Raises InputError for a file of numbers that cannot be read.
    """
    if target.key is None:
        return None
    if isinstance(study, PairStudy):
        found = of_scores(study, target.path, target.key)
    elif isinstance(study, Study) and target.path in RULES:
        found = RULES[target.path](study, target.key.split("."))
    else:
        return None
    known = found is not None and all(producers(study.lock, out) for outs in found.values() for out in outs)
    return found if known else None


def _of_summary(study: Study, key: list[str]) -> Parts | None:
    """scenarios.NAME.*, or backbones.BACKBONE.NAME.*; baselines.COLUMN.*; else what all scenarios share."""
    names = study.scenarios
    if key[0] in ("scenarios", "backbones") and key[-1] != HOLM:
        names = next(([name] for name in names if name in key), names)
    elif key[0] == "baselines":
        names = []
    if any(part.startswith("versus_real") for part in key) and REAL not in names:
        names = [*names, REAL]
    return {PREDICTIONS: [f"{PREDICTIONS}/{name}.parquet" for name in names], CURVE: []}


def _of_curve(study: Study, key: list[str]) -> Parts | None:
    """runs.N.points.M.*; else what all scenarios share."""
    point = item(read_json(study.path(CURVE_FIGURES)), key[:4]) if key[::2][:2] == ["runs", "points"] else None
    names = study.scenarios
    if point and point.get("scenario") in names and key[-1] != HOLM:
        names = [point["scenario"]]
    if len(key) > 4 and key[4].startswith("versus_real") and REAL not in names:
        names = [*names, REAL]
    return {PREDICTIONS: [], CURVE: [f"{CURVE}/{name}" for name in names]}


def _of_fidelity(study: Study, key: list[str]) -> Parts | None:
    """pools.N.*: a kind's pool of a fold; kinds.N.*: all of a kind's. The floor, of real images, rests on no pool."""
    entry = item(read_json(study.path(FIDELITY)), key[:2]) if key[0] in ("pools", "kinds") else None
    if entry is None:
        return None
    kind, fold = entry.get("kind"), entry.get("fold")
    outs = [out for stage in study.lock.values() for out in stage.outs]
    ending = "" if fold is None else f"/fold{fold}"
    return {
        folder: [out for out in outs if within(out, below) and out.endswith(ending)]
        for folder, below in {
            "data/features": "data/features",
            "data/pools": f"data/pools/{kind}",
            "data/selected": f"data/selected/{kind}",
        }.items()
    }


def item(tree: Any, key: list[str]) -> dict[str, Any] | None:
    """The mapping at a place of a JSON tree, or None."""
    for name in key:
        if isinstance(tree, list) and name.isdigit() and int(name) < len(tree):
            tree = tree[int(name)]
        elif isinstance(tree, dict) and name in tree:
            tree = tree[name]
        else:
            return None
    return tree if isinstance(tree, dict) else None


RULES = {SUMMARY: _of_summary, CURVE_FIGURES: _of_curve, FIDELITY: _of_fidelity}
