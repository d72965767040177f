"""What the page's tables and plots show, from metrics/summary.json, plots/auc.csv and plots/roc.csv."""

from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.report.answer import scenario
from synthtrace.report.figures import Row, interval_plot, roc_plot
from synthtrace.report.formats import bounds, interval, is_number, number, signed, signed_interval, with_interval


def scenario_order(summary: dict[str, Any], kinds: list[str]) -> list[str]:
    """Scenarios of the summary: real, traditional, the kinds as the parameters list them, then any other."""
    found = summary.get("scenarios", {})
    known = [name for name in ("real", "traditional", *kinds) if name in found]
    return known + sorted(set(found) - set(known))


def results(root: Path, summary: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    """One table a backbone: the headline's, which is the first of plots/auc.csv, then the further ones."""
    parts = {_seeds(root)["backbone"].iloc[0]: summary}
    parts |= {name: {"scenarios": found} for name, found in summary.get("backbones", {}).items()}
    return [
        {"backbone": backbone, "rows": [{"name": name, **scenario(part, name)} for name in names]}
        for backbone, part in parts.items()
    ]


def plots(root: Path, summary: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The headline backbone's ROC curves, AUC of every seed (image and patient level) and differences to `real`."""
    seeds = _seeds(root)
    seeds = seeds[seeds["backbone"] == seeds["backbone"].iloc[0]]
    curves = _table(root / "plots/roc.csv", ["scenario", "fpr", "tpr"])
    legend = [(name, style, number(scenario(summary, name)["auc_image"].get("mean"))) for style, name in enumerate(names)]
    return {
        "roc": roc_plot(curves, legend),
        **{key: _auc_plot(summary, names, seeds, key) for key in ("auc_image", "auc_patient")},
        **{key: _difference_plot(summary, names, key) for key in ("versus_real", "versus_real_patient")},
    }


def _auc_plot(summary: dict[str, Any], names: list[str], seeds: pd.DataFrame, key: str) -> dict[str, Any]:
    rows = []
    for style, name in enumerate(names):
        auc = scenario(summary, name)[key]
        own = seeds.loc[seeds["scenario"] == name, ["seed", key]].itertuples(index=False)
        dots = [(float(value), f"{name}, seed {seed}: {number(value)}") for seed, value in own if is_number(value)]
        text = with_interval(number(auc.get("mean")), interval(auc.get("ci95")))
        rows.append(Row(name, style, text, _finite(auc.get("mean")), bounds(auc.get("ci95")), dots))
    return interval_plot(rows, _finite(scenario(summary, "real")[key].get("mean")))


def _difference_plot(summary: dict[str, Any], names: list[str], key: str) -> dict[str, Any]:
    rows = []
    for style, name in enumerate(names):
        versus = scenario(summary, name)[key]
        if name != "real":
            text = with_interval(signed(versus.get("difference")), signed_interval(versus.get("ci95")))
            rows.append(Row(name, style, text, _finite(versus.get("difference")), bounds(versus.get("ci95"))))
    return interval_plot(rows, 0)


def _finite(value: Any) -> float | None:
    return float(value) if is_number(value) else None


def _seeds(root: Path) -> pd.DataFrame:
    return _table(root / "plots/auc.csv", ["scenario", "backbone", "seed", "auc_image", "auc_patient"])


def _table(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such table; the stage that writes it has not run") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable CSV table ({error})") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise InputError(f"{path}: missing column {missing[0]!r}; it has {', '.join(table.columns)}")
    if table.empty:
        raise InputError(f"{path}: expected rows, found none")
    return table
