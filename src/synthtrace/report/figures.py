"""Geometry of the page's plots, in SVG units, 360 to a plot's width; `templates/figures.html.j2` draws it."""

import math
from dataclasses import dataclass, field

import pandas as pd

WIDTH = 360
STYLES = 8


@dataclass(frozen=True)
class Row:
    """A scenario in an interval plot: its seeds' values, their mean and the interval; None where a number is missing."""

    name: str
    style: int
    text: str
    centre: float | None
    interval: tuple[float, float] | None
    dots: list[tuple[float, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Scale:
    """A linear axis from data to SVG units."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where a value lies, to a tenth of a unit."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About `count` round numbers (steps of 1, 2 or 5 times a power of ten) that enclose [low, high]."""
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-6) / count))
    while (high - low) / step > count:
        step *= 2.5 if f"{step:e}".startswith("2") else 2
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def interval_plot(rows: list[Row], reference: float | None) -> dict:
    """Rows of dots, means and interval bars over one axis, with a line at `reference` (no difference, or the real images' AUC).

    The axis holds every number of the rows and the reference.
    """
    values = [] if reference is None else [reference]
    for row in rows:
        values += [value for value, _ in row.dots] + list(row.interval or ()) + ([] if row.centre is None else [row.centre])
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high - low < 0.02:
        low, high = low - 0.01, high + 0.01
    marks = ticks(low, high)
    x = Scale(marks[0], marks[-1], 14, WIDTH - 14)
    pitch, top = 44, 4
    return {
        "height": top + pitch * len(rows) + 24,
        "bottom": top + pitch * len(rows),
        "ticks": [(x(mark), f"{mark:g}".replace("-", "\N{MINUS SIGN}")) for mark in marks],
        "reference": None if reference is None else x(reference),
        "rows": [
            {
                "name": row.name,
                "style": row.style % STYLES,
                "text": row.text,
                "y": top + pitch * index + 27,
                "centre": None if row.centre is None else x(row.centre),
                "bar": None if row.interval is None else (x(row.interval[0]), x(row.interval[1])),
                "dots": [(x(value), note) for value, note in row.dots],
            }
            for index, row in enumerate(rows)
        ],
    }


def roc_plot(curves: pd.DataFrame, scenarios: list[tuple[str, int, str]]) -> dict:
    """ROC curves of `plots/roc.csv` (scenario, fpr, tpr), each (name, style, text beside it) of `scenarios` that it holds."""
    x, y = Scale(0, 1, 46, 346), Scale(0, 1, 318, 12)
    drawn = []
    for name, style, text in scenarios:
        points = curves.loc[curves["scenario"] == name, ["fpr", "tpr"]].dropna()
        if len(points):
            places = dict.fromkeys((x(fpr), y(tpr)) for fpr, tpr in points.itertuples(index=False))
            drawn.append(
                {"name": name, "style": style % STYLES, "text": text, "path": "M" + "L".join(f"{a} {b}" for a, b in places)}
            )
    return {
        "curves": drawn,
        "x_ticks": [(x(mark), f"{mark:g}") for mark in (0, 0.25, 0.5, 0.75, 1)],
        "y_ticks": [(y(mark), f"{mark:g}") for mark in (0, 0.25, 0.5, 0.75, 1)],
        "chance": (x(0), y(0), x(1), y(1)),
    }
