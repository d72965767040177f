"""AUC against mixing rate (paper 0, Figure 5 and S3 to S7), from metrics/curve.json and plots/curve*.csv."""

import itertools
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.params import REAL, TRADITIONAL
from synthtrace.report.answer import blocks, judge
from synthtrace.report.curve_plot import Point, curve_plot
from synthtrace.report.figures import roc_plot
from synthtrace.report.formats import bounds, finite, interval, is_number, mean_sd, number, with_interval
from synthtrace.report.reading import read_csv

METRICS = "metrics/curve.json"
# a selection and a mode
Panel = tuple[str, str]
# each level's AUC: its column of plots/curve.csv, what a figure's caption says, and of what
LEVELS = {
    "auc_image": ("images", "each image scored by itself, folds pooled"),
    "auc_patient": ("patients", "a patient's score is the mean over its frames, folds pooled"),
    "auc_fold": ("images, mean over folds", "the AUC of each fold's images, averaged over the folds"),
}
# columns of plots/curve_roc.csv, and the paper's figures of partly frozen networks
ROC_LEVELS = {"auc_image": "tpr", "auc_patient": "tpr_patient"}
ROC_FIGURES = {"auc_image": "Figure 5B", "auc_patient": "Figure S6B"}
FREEZING = {"none": "every layer trained", "partial": "early layers frozen", "all": "all layers frozen but the head"}
VERDICTS = {"helped": "helped", "hurt": "hurt", "unclear": "with no evidence either way", "unknown": "without an interval"}
# the paper's figures of ResNet-50, by what is frozen and whether classes are balanced
FIGURES = {
    ("partial", False): {"auc_image": "Figure 5A", "auc_patient": "Figure S6A", "auc_fold": "Figure S3"},
    ("all", False): {"auc_image": "Figure S4"},
    ("none", False): {"auc_image": "Figure S5"},
    ("partial", True): {"auc_image": "Figure S7"},
}


def curves(root: Path, curve: dict[str, Any], names: list[str], mixing_rate: float) -> list[dict[str, Any]]:
    """Every run of the curve for the template: its plots, ROC curves, table and what they add up to.

    Args:
        root: the workspace.
        curve: metrics/curve.json.
        names: scenarios in the order of the page's colours; a scenario that is not among them comes behind.
        mixing_rate: the study's; ROC curves are those of the run's rate that lies nearest to it, so that none is picked.
    """
    seeds = read_csv(root / "plots/curve.csv", ["run", "scenario", "selection", "mode", "mixing_rate", "seed", *LEVELS])
    rocs = read_csv(
        root / "plots/curve_roc.csv", ["run", "scenario", "selection", "mode", "mixing_rate", "fpr", *ROC_LEVELS.values()]
    )
    styles = {name: style for style, name in enumerate(_scenarios(curve, names))}
    return [
        _run(f"runs.{index}", run, panel, _of_panel(seeds, run, panel), _of_panel(rocs, run, panel), styles, mixing_rate)
        for index, run in enumerate(curve["runs"])
        for panel in itertools.product(run["selections"], run["modes"])
    ]


def _of_panel(table: pd.DataFrame, run: dict[str, Any], panel: Panel) -> pd.DataFrame:
    """Rows of a run that a selection and mode show: their own, and those of scenarios in which nothing is selected or mixed."""
    own = (table["selection"] == panel[0]) & (table["mode"] == panel[1])
    return table[(table["run"] == run["name"]) & (own | table["scenario"].isin([REAL, TRADITIONAL]))]


def _scenarios(curve: dict[str, Any], names: list[str]) -> list[str]:
    return list(dict.fromkeys([*names, *(point["scenario"] for run in curve["runs"] for point in run["points"])]))


def figure_of(run: dict[str, Any], level: str) -> str | None:
    """The paper's figure that a level of a run repeats; None where it has none."""
    if not str(run["backbone"]).startswith("resnet"):
        return None
    return FIGURES.get((run["freezing"], bool(run["balanced"])), {}).get(level)


def _run(
    key: str,
    run: dict[str, Any],
    panel: Panel,
    seeds: pd.DataFrame,
    rocs: pd.DataFrame,
    styles: dict[str, int],
    mixing_rate: float,
) -> dict[str, Any]:
    rows = [
        {"key": f"{key}.points.{index}", **blocks(point), "auc_fold": point.get("auc_fold") or {}}
        | {"scenario": point["scenario"], "rate": point["mixing_rate"]}
        for index, point in enumerate(run["points"])
        if "unfilled" not in point
        and (point["scenario"] in (REAL, TRADITIONAL) or (point["selection"], point["mode"]) == panel)
    ]
    several = len(run["selections"]) * len(run["modes"]) > 1
    return {
        "name": f"{run['name']}, selection {panel[0]}, mode {panel[1]}" if several else run["name"],
        "settings": f"{FREEZING.get(run['freezing'], run['freezing'])}, {'balanced classes, ' if run['balanced'] else ''}"
        f"{run['seeds']} seed{'s' if run['seeds'] != 1 else ''}",
        "plots": [
            {"title": title, "about": about, "figure": figure_of(run, level), "plot": _plot(rows, seeds, styles, level)}
            for level, (title, about) in LEVELS.items()
        ],
        "rocs": _rocs(run, rows, rocs, styles, mixing_rate),
        "rows": rows,
        "count": _count(rows),
    }


def _plot(rows: list[dict[str, Any]], seeds: pd.DataFrame, styles: dict[str, int], level: str) -> dict[str, Any]:
    points = []
    # real first: where all lines start; then as the page orders scenarios
    for row in sorted(rows, key=lambda row: (row["scenario"] != REAL, styles[row["scenario"]], row["rate"])):
        own = seeds.loc[(seeds["scenario"] == row["scenario"]) & (seeds["mixing_rate"] == row["rate"]), level]
        auc = row[level]
        text = with_interval(mean_sd(auc), interval(auc.get("ci95"))) if "ci95" in auc else mean_sd(auc)
        note = (
            f"{row['scenario']} at rate {row['rate']:g}: AUC {text} over {len(own)} seeds. "
            f"synthtrace trace {METRICS}:{row['key']}.{level}.mean"
        )
        dots = [float(value) for value in own if is_number(value)]
        style = styles[row["scenario"]]
        points.append(Point(row["scenario"], style, row["rate"], finite(auc.get("mean")), bounds(auc.get("ci95")), dots, note))
    return curve_plot(points)


def _rocs(
    run: dict[str, Any], rows: list[dict[str, Any]], rocs: pd.DataFrame, styles: dict[str, int], mixing_rate: float
) -> list[dict[str, Any]]:
    """Real images beside each scenario at the run's rate nearest to the study's, the larger of two; none without a rate."""
    rates = {row["rate"] for row in rows if row["scenario"] != REAL}
    if not rates:
        return []
    rate = min(rates, key=lambda rate: (abs(rate - mixing_rate), -rate))
    shown = [row for row in rows if row["scenario"] == REAL or row["rate"] == rate]
    chosen = pd.concat([rocs[(rocs["scenario"] == row["scenario"]) & (rocs["mixing_rate"] == row["rate"])] for row in shown])
    repeats_paper = run["freezing"] == "partial" and not run["balanced"]
    return [
        {
            "rate": rate,
            "title": LEVELS[level][0],
            "figure": ROC_FIGURES[level] if repeats_paper else None,
            "plot": roc_plot(
                chosen.assign(tpr=chosen[column]),
                [(row["scenario"], styles[row["scenario"]], number(row[level].get("mean"))) for row in shown],
            ),
        }
        for level, column in ROC_LEVELS.items()
    ]


def _count(rows: list[dict[str, Any]]) -> str:
    """How many of a run's differences to real have an interval above or below zero, in words."""
    found = [judge(row["versus_real"]) for row in rows if row["scenario"] != REAL]
    if not found:
        return "This run has real images alone, so there is nothing to compare."
    parts = [f"{found.count(verdict)} {words}" for verdict, words in VERDICTS.items() if found.count(verdict)]
    settings = "1 setting" if len(found) == 1 else f"{len(found)} settings"
    return f"Of {settings} beside real images alone, by the interval of the difference in image-level AUC: {', '.join(parts)}."
