"""What the tables and plots of the main comparison show, from metrics/summary.json, plots/auc.csv and plots/roc.csv."""

from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.params import REAL, TRADITIONAL
from synthtrace.report.answer import blocks, scenario
from synthtrace.report.figures import Row, interval_plot, roc_plot
from synthtrace.report.formats import bounds, finite, interval, is_number, number, signed, signed_interval, with_interval
from synthtrace.report.reading import read_csv
from synthtrace.report.statistics_words import tests


def scenario_order(summary: dict[str, Any], kinds: list[str]) -> list[str]:
    """Scenarios of the summary: real, traditional, the kinds as the parameters list them, then any other."""
    found = summary.get("scenarios", {})
    known = [name for name in (REAL, TRADITIONAL, *kinds) if name in found]
    return known + sorted(set(found) - set(known))


def baselines(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Baselines of the summary by their column of the manifest, as `blocks` has them."""
    return {column: blocks(found) for column, found in (summary.get("baselines") or {}).items()}


def results(root: Path, summary: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    """One table a backbone: the headline's, which is the first of plots/auc.csv and holds the baselines, then the further ones.

    Baselines stand in the headline's table alone: its real images are what they are compared with.
    """
    headline = str(_seeds(root)["backbone"].iloc[0])
    parts = {headline: summary}
    parts |= {name: {"scenarios": found} for name, found in summary.get("backbones", {}).items()}
    rows = {backbone: [{"name": name, **scenario(part, name)} for name in names] for backbone, part in parts.items()}
    return [
        {
            "backbone": backbone,
            "rows": rows[backbone],
            "tests": tests(rows[backbone]),
            "baselines": [{"name": name, **found} for name, found in baselines(part).items()],
        }
        for backbone, part in parts.items()
    ]


def plots(root: Path, summary: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The headline backbone's ROC curves, AUC of every seed (image and patient level) and differences to `real`.

    Baselines stand below the scenarios: an AUC and a difference, and no seeds, for nothing was trained.
    """
    seeds = _seeds(root)
    seeds = seeds[seeds["backbone"] == seeds["backbone"].iloc[0]]
    curves = read_csv(root / "plots/roc.csv", ["scenario", "fpr", "tpr"])
    legend = [(name, style, number(scenario(summary, name)["auc_image"].get("mean"))) for style, name in enumerate(names)]
    shown = {name: scenario(summary, name) for name in names} | baselines(summary)
    return {
        "roc": roc_plot(curves, legend),
        **{key: _auc_plot(shown, seeds, key) for key in ("auc_image", "auc_patient")},
        **{key: _difference_plot(shown, key) for key in ("versus_real", "versus_real_patient")},
    }


def _auc_plot(shown: dict[str, dict[str, Any]], seeds: pd.DataFrame, key: str) -> dict[str, Any]:
    rows = []
    for style, (name, found) in enumerate(shown.items()):
        auc = found[key]
        own = seeds.loc[seeds["scenario"] == name, ["seed", key]].itertuples(index=False)
        dots = [(float(value), f"{name}, seed {seed}: {number(value)}") for seed, value in own if is_number(value)]
        text = with_interval(number(auc.get("mean")), interval(auc.get("ci95")))
        rows.append(Row(name, style, text, finite(auc.get("mean")), bounds(auc.get("ci95")), dots))
    return interval_plot(rows, finite(shown[REAL][key].get("mean")) if REAL in shown else None)


def _difference_plot(shown: dict[str, dict[str, Any]], key: str) -> dict[str, Any]:
    rows = []
    for style, (name, found) in enumerate(shown.items()):
        versus = found[key]
        if name != REAL:
            text = with_interval(signed(versus.get("difference")), signed_interval(versus.get("ci95")))
            rows.append(Row(name, style, text, finite(versus.get("difference")), bounds(versus.get("ci95"))))
    return interval_plot(rows, 0)


def _seeds(root: Path) -> pd.DataFrame:
    return read_csv(root / "plots/auc.csv", ["scenario", "backbone", "seed", "auc_image", "auc_patient"])
