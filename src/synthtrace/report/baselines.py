"""A simple baseline beside the best classifier, in words: no network may hide behind another one."""

from typing import Any

from synthtrace.report.answer import blocks
from synthtrace.report.formats import bounds, finite, interval, number, signed, with_interval

LEVELS = {"auc_image": "an image-level AUC", "auc_patient": "a patient-level AUC"}


def classifiers(summary: dict[str, Any], curve: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every classifier of the study with what is known of it: scenarios of each backbone, and points of the curve."""
    found = [(name, blocks(entry)) for name, entry in summary.get("scenarios", {}).items()]
    for backbone, scenarios in summary.get("backbones", {}).items():
        found += [(f"{name}, {backbone}", blocks(entry)) for name, entry in scenarios.items()]
    for run in curve["runs"]:
        for point in run["points"]:
            found.append((f"{point['scenario']} at rate {point['mixing_rate']:g} of the curve, {run['name']}", blocks(point)))
    return found


def sentences(summary: dict[str, Any], curve: dict[str, Any], unit: str) -> list[str]:
    """For each baseline what it reaches alone, and whether the best classifier of the study is better or worse.

    The best of several flatters the classifiers; a baseline that still beats it beats them all.
    """
    found = classifiers(summary, curve)
    return [_sentence(column, blocks(entry), found, unit) for column, entry in (summary.get("baselines") or {}).items()]


def _sentence(column: str, baseline: dict[str, Any], found: list[tuple[str, dict[str, Any]]], unit: str) -> str:
    parts = [_level(level, words, baseline, found) for level, words in LEVELS.items()]
    text = f"The column {column} alone reaches {'. It reaches '.join(parts)}."
    versus = baseline["versus_real"]
    pair = bounds(versus.get("ci95"))
    if pair and finite(versus.get("difference")) is not None:
        text += (
            f" At image level {column} less the classifier on real images alone is {signed(versus['difference'])} "
            f"(95% {unit} bootstrap {signed(pair[0])} to {signed(pair[1])})."
        )
    return text


def _level(level: str, words: str, baseline: dict[str, Any], found: list[tuple[str, dict[str, Any]]]) -> str:
    own = finite(baseline[level].get("mean"))
    known = [(mean, name) for name, entry in found if (mean := finite(entry[level].get("mean"))) is not None]
    if own is None or not known:
        return f"{words} that, for it or for every classifier, could not be computed"
    best, name = max(known, key=lambda item: item[0])
    text = with_interval(number(own), interval(baseline[level].get("ci95")))
    return f"{words} of {text}; the best classifier here ({name}: {number(best)}) is {_verdict(best - own)}"


def _verdict(difference: float) -> str:
    """A classifier's AUC less the baseline's, in words."""
    if difference == 0:
        return "no better and no worse"
    return f"{'better' if difference > 0 else 'worse'} by {signed(abs(difference)).lstrip('+')}"
