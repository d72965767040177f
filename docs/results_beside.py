"""Cells of a paper's table beside our run's: scores of a point of the curve, fidelity of what a selection keeps."""

import json
from pathlib import Path
from typing import Any

from results_cells import MISSING, figure, number

NOT_RUN = "not run"


class Run:
    """The evidence of a preset's run; without evidence no cell was run."""

    def __init__(self, folder: Path) -> None:
        metrics = folder / "metrics"
        curve, fidelity = (_read(metrics / name) for name in ("curve.json", "fidelity.json"))
        self._points = {
            (point["scenario"], *((point["selection"], point["mode"], point["mixing_rate"]) if _own(point) else ())): point
            for run in curve.get("runs", [])[:1]
            for point in run["points"]
        }
        self._fidelity = {
            (row["kind"], row["part"], row["selection"], row["mixing_rate"]): row
            for row in fidelity.get("kinds", [])
            if row["label"] is None
        }
        self.suffix = fidelity.get("extractor", {}).get("metric_suffix", "")

    def score(self, name: str, *key: Any) -> str:
        """A score of the point (scenario, selection, mode, rate), or (scenario,) of real and traditional, in per cent."""
        point = self._points.get(key)
        if point is None:
            return NOT_RUN
        if "unfilled" in point:
            lacking = point["unfilled"]
            return f"{MISSING}: {lacking['kept']} of {lacking['candidates']} {lacking['label_name']} kept"
        mean, deviation = (point["scores"][name][part] for part in ("mean", "sd"))
        return f"{100 * mean:.1f}" + ("" if deviation is None else f" ± {100 * deviation:.1f}")

    def fidelity(self, metric: str, kind: str, part: str, selection: str | None, rate: float | None = None) -> str:
        """A metric's mean over subsets with its interval; of shares in per cent."""
        row = self._fidelity.get((kind, part, selection, rate), {})
        if metric not in row:
            return NOT_RUN
        mean, bounds = row[metric]["mean"], row[metric]["ci95"]
        shares = metric.split("_")[0] in ("precision", "recall", "f1")
        text = [number(100 * value, 1) if shares else figure(value) for value in (mean, *(bounds or ())) if value is not None]
        return MISSING if mean is None else text[0] + (f" [{text[1]} to {text[2]}]" if bounds else "")


def beside(ours: list[str], stated: tuple[str, ...]) -> list[str]:
    """Our cells and the paper's in turn."""
    return [cell for pair in zip(ours, stated, strict=True) for cell in pair]


def _own(point: dict[str, Any]) -> bool:
    return point["scenario"] not in ("real", "traditional")


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}
