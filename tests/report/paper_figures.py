"""Metrics and plots of the curve, of fidelity and of the explanations for the fake workspace, as their stages write them."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.images import write_image

RATES = (0.5, 1.0, 1.5, 2.0)
KINDS = ("semantic", "class")
SCENARIOS = ("traditional", *KINDS)
LABELS = ((0, "healthy"), (1, "nafld"), (None, "all"))
SIDE = 16


def auc(mean: float) -> dict[str, Any]:
    return {"mean": mean, "sd": 0.011, "ci95": [mean - 0.08, mean + 0.07]}


def versus(difference: float) -> dict[str, Any]:
    return {"difference": difference, "ci95": [difference - 0.03, difference + 0.04], "t": 2.345, "p": 0.012, "p_holm": 0.036}


def point(scenario: str, rate: float, difference: float, selection="none", mode="augment") -> dict[str, Any]:
    found = {
        "scenario": scenario,
        "selection": selection,
        "mode": mode,
        "mixing_rate": rate,
        "auc_image": auc(0.86 + difference),
    }
    found |= {"auc_patient": auc(0.88 + difference), "auc_fold": {"mean": 0.85 + difference, "sd": 0.02}}
    if scenario != "real":
        found |= dict.fromkeys(("versus_real", "versus_real_patient"), versus(difference))
    return found


def make_run(backbone: str, freezing: str, seeds: int, scenarios=SCENARIOS, rates=RATES, balanced=False) -> dict[str, Any]:
    points = [point("real", 0.0, 0.0)]
    points += [
        point(scenario, rate, 0.02 * (index - 1) + 0.01 * rate)
        for (index, scenario), rate in product(enumerate(scenarios), rates)
    ]
    name = f"{backbone} {freezing}" + (" balanced" if balanced else "")
    shown = {"name": name, "backbone": backbone, "freezing": freezing, "balanced": balanced, "seeds": seeds}
    return shown | {"selections": ["none"], "modes": ["augment"], "points": points}


def make_runs() -> list[dict[str, Any]]:
    """The paper's six runs, with few seeds."""
    runs = [make_run("resnet50", freezing, 4) for freezing in ("partial", "all", "none")]
    runs += [make_run(f"tf_efficientnet{name}", "partial", 3, ("semantic",), (1.5,)) for name in ("_b0", "v2_s")]
    return [*runs, make_run("resnet50", "partial", 2, balanced=True)]


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def write_curve(root: Path, runs: list[dict[str, Any]]) -> None:
    write_json(root / "metrics/curve.json", {"patients": 8, "images": 16, "runs": runs})
    aucs, rocs = [], []
    for run in runs:
        for found in run["points"]:
            if "unfilled" in found:
                continue
            head = {"run": run["name"]} | {name: found[name] for name in ("scenario", "selection", "mode", "mixing_rate")}
            for seed in range(run["seeds"]):
                shift = 0.011 * (seed - (run["seeds"] - 1) / 2)
                values = {level: found[level]["mean"] + shift for level in ("auc_image", "auc_patient", "auc_fold")}
                aucs.append(head | {"seed": seed} | values)
            power = 0.3 - 0.2 * (found["auc_image"]["mean"] - 0.8)
            rocs += [head | {"fpr": x, "tpr": x**power, "tpr_patient": x**0.1} for x in np.linspace(0, 1, 51)]
    (root / "plots").mkdir(exist_ok=True)
    pd.DataFrame(aucs).to_csv(root / "plots/curve.csv", index=False)
    pd.DataFrame(rocs).to_csv(root / "plots/curve_roc.csv", index=False)


def make_fidelity(folds: int) -> dict[str, Any]:
    parts = [(kind, part) for kind in KINDS for part in ("raw", "kept")] + [("real", "training")]
    pools, kinds = [], []
    for (index, (kind, part)), (label, name) in product(enumerate(parts), LABELS):
        head = {"kind": kind, "label": label, "label_name": name, "part": part}
        distance, kernel = 40.0 - 3 * index, 0.02 - 0.006 * index
        for fold in range(folds):
            measured = {"value": distance + fold, "ci95": [distance + fold - 4, distance + fold + 5]}
            pools.append(
                {"kind": kind, "fold": fold, "label": label, "label_name": name, "part": part, "images": 12, "reference": 8}
                | {"fd_resnet10t": measured, "kd_resnet10t": {"value": kernel, "ci95": None}}
            )
        mean = {"mean": distance + (folds - 1) / 2, "ci95": [distance - 4, distance + 6]}
        kinds.append(
            head
            | {"images": 12 * folds, "reference": 8 * folds, "fd_resnet10t": mean}
            | {"kd_resnet10t": {"mean": kernel, "ci95": [kernel - 0.01, kernel + 0.01]}}
        )
    extractor = {"name": "resnet10t", "metric_suffix": "resnet10t", "digests": {str(fold): "e" * 32 for fold in range(folds)}}
    return {"extractor": extractor, "inception": None, "groups": 20, "pools": pools, "kinds": kinds}


def write_explanations(root: Path) -> None:
    rng = np.random.default_rng(7)
    folder = root / "data/explanations"
    (folder / "images").mkdir(parents=True)
    images, values = [], []
    for source, (label, name), index in product(("real", "semantic"), LABELS[:2], range(2)):
        image_id = f"{source}-{name}-{index}"
        write_image(folder / f"images/{image_id}.png", rng.integers(0, 256, (SIDE, SIDE), dtype=np.uint8))
        values.append(rng.normal(0, 0.01, (1, SIDE, SIDE)).astype(np.float32))
        found = {"image_id": image_id, "source": source, "label": label, "label_name": name, "explained": 1}
        found |= {"probability": 0.25 + 0.5 * label, "margin": 1.0, "expected": 0.2, "sum": 0.76, "additivity_error": 0.04}
        images.append(found)
    np.save(folder / "values.npy", np.stack(values))
    pd.DataFrame(images).to_parquet(folder / "explanations.parquet", index=False)
    settings = {"scenario": "semantic", "backbone": "resnet10t", "fold": 0, "seed_index": 0, "background": 16, "samples": 64}
    errors = {"additivity_error": {"mean": 0.04, "max": 0.05}, "relative_error": {"mean": 0.031, "max": None}}
    write_json(root / "metrics/explain.json", settings | {"images": images} | errors)
