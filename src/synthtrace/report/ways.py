"""Selections and training modes side by side (paper 4, Table 2 and Figures 5 and 6; paper 3, Table 1), from metrics/curve.json.

Fidelity is that of the images that the first seed's classifiers draw at the rate, from metrics/fidelity.json.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.params import REAL, TRADITIONAL
from synthtrace.report.figures import Row, interval_plot
from synthtrace.report.formats import bounds, compact, finite, interval, is_number, mean_sd, number, with_interval
from synthtrace.report.reading import read_csv

# what a table's columns are called, and the score of a point that each shows
SCORES = {"accuracy": "accuracy", "AUC": "auc", "sensitivity": "sensitivity", "specificity": "specificity", "F1": "f1"}
MODES = {
    "augment": "synthetic images mixed with real ones",
    "transfer": "trained on synthetic images, then on real ones",
    "synthetic": "trained on synthetic images alone",
}
FIGURES = {"augment": "Figure 5", "transfer": "Figure 5", "synthetic": "Figure 6"}


def ways(
    root: Path, curve: dict[str, Any], fidelity: dict[str, Any], names: list[str], mixing_rate: float
) -> list[dict[str, Any]]:
    """Each run of the curve that has several selections or modes: a plot a mode, and a table of all its points.

    Args:
        root: the workspace, of which plots/curve.csv is read.
        curve: metrics/curve.json.
        fidelity: metrics/fidelity.json.
        names: scenarios in the order of the page's colours.
        mixing_rate: the study's; plots are of the run's rate nearest to it, the larger of two.
    """
    seeds = read_csv(root / "plots/curve.csv", ["run", "scenario", "selection", "mode", "mixing_rate", "seed", "auc_image"])
    drawn = {
        (row["kind"], row["selection"], row["mixing_rate"]): row
        for row in fidelity["kinds"]
        if row["part"] == "drawn" and row["label"] is None
    }
    suffix = fidelity["extractor"]["metric_suffix"]
    shown = ["fid"] if fidelity["inception"] else [f"fd_{suffix}"]
    shown += [f"precision_{suffix}", f"recall_{suffix}"]
    return [
        {
            "name": run["name"],
            "plots": _plots(run, seeds[seeds["run"] == run["name"]], names, mixing_rate),
            "scores": list(SCORES),
            "fidelity": shown,
            "rows": [_row(point, drawn, shown) for point in run["points"]],
        }
        for run in curve["runs"]
        if len(run["selections"]) * len(run["modes"]) > 1
    ]


def _row(point: dict[str, Any], drawn: dict[tuple, dict[str, Any]], shown: list[str]) -> dict[str, Any]:
    plain = point["scenario"] in (REAL, TRADITIONAL)
    found = drawn.get((point["scenario"], point["selection"], point["mixing_rate"]), {})
    lacking = point.get("unfilled")
    return {
        "scenario": point["scenario"],
        "selection": None if plain else point["selection"],
        "mode": None if plain else point["mode"],
        "rate": None if plain else point["mixing_rate"],
        "scores": [mean_sd(point["scores"][score]) for score in SCORES.values()] if not lacking else None,
        "unfilled": lacking and "{kept} of {candidates} {label_name} kept, {needed} needed".format(**lacking),
        "fidelity": [compact((found.get(name) or {}).get("mean")) for name in shown],
    }


def _plots(run: dict[str, Any], seeds: pd.DataFrame, names: list[str], mixing_rate: float) -> list[dict[str, Any]]:
    rates = {point["mixing_rate"] for point in run["points"] if point["scenario"] not in (REAL, TRADITIONAL)}
    if not rates:
        return []
    rate = min(rates, key=lambda rate: (abs(rate - mixing_rate), -rate))
    return [
        {
            "mode": mode,
            "words": MODES[mode],
            "rate": rate,
            "figure": FIGURES[mode],
            "plot": _plot(run, seeds, names, mode, rate),
        }
        for mode in run["modes"]
    ]


def _plot(run: dict[str, Any], seeds: pd.DataFrame, names: list[str], mode: str, rate: float) -> dict[str, Any]:
    """A row a kind and selection below real and traditional; a line at the AUC of real images alone."""
    rows, reference = [], None
    for point in run["points"]:
        plain = point["scenario"] in (REAL, TRADITIONAL)
        if not plain and (point["mode"], point["mixing_rate"]) != (mode, rate):
            continue
        auc = point.get("auc_image") or {}
        if point["scenario"] == REAL:
            reference = finite(auc.get("mean"))
        name = point["scenario"] if plain else f"{point['scenario']}, {point['selection']}"
        chosen = (seeds[["scenario", "selection", "mode", "mixing_rate"]] == _key(point)).all(axis=1)
        own = seeds.loc[chosen, ["seed", "auc_image"]].itertuples(index=False)
        dots = [(float(value), f"{name}, seed {seed}: {number(value)}") for seed, value in own if is_number(value)]
        text = "too few kept" if "unfilled" in point else with_interval(number(auc.get("mean")), interval(auc.get("ci95")))
        rows.append(Row(name, names.index(point["scenario"]), text, finite(auc.get("mean")), bounds(auc.get("ci95")), dots))
    return interval_plot(rows, reference)


def _key(point: dict[str, Any]) -> list[Any]:
    return [point[name] for name in ("scenario", "selection", "mode", "mixing_rate")]
