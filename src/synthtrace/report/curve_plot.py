"""Geometry of a curve: AUC against mixing rate, in SVG units as in figures.py; `templates/curve_plot.html.j2` draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from synthtrace.report.figures import STYLES, WIDTH, Scale, ticks

LEFT, RIGHT = 44, WIDTH - 8
BOTTOM = 268
LEGEND_ROW, LEGEND_COLUMNS = 17, 4
DODGE = 15.0
# the scenarios of one rate take this share of the way to the next
CROWD = 0.75
# a scenario is told by its shape as well as by its colour; drawn around 0, 0
SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "M-3.6 -3.6H3.6V3.6H-3.6z",
    "M0 -5L5 4H-5z",
    "M0 -5.2L5.2 0L0 5.2L-5.2 0z",
)


@dataclass(frozen=True)
class Point:
    """A scenario at a mixing rate: its seeds' values, their mean, the interval, and the note shown on pointing at it."""

    scenario: str
    style: int
    rate: float
    centre: float | None
    interval: tuple[float, float] | None
    dots: Sequence[float]
    note: str


def curve_plot(points: Sequence[Point]) -> dict:
    """A line a scenario through its means; at each rate the seeds' dots stand left of the interval's bar.

    Rate 0, real images alone, is where every scenario's line starts. Scenarios of one rate are drawn side by side.
    """
    names = {point.scenario: point.style for point in points}
    rates = sorted({point.rate for point in points})
    values = [value for point in points for value in (*point.dots, *(point.interval or ()), point.centre) if value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high - low < 0.02:
        low, high = low - 0.01, high + 0.01
    marks = ticks(low, high, 5)
    top = 10 + LEGEND_ROW * -(-len(names) // LEGEND_COLUMNS)
    y = Scale(marks[0], marks[-1], BOTTOM, top)
    x, dodge = _across(rates, len(names) - 1)
    shift = {name: dodge * (index - (len(names) - 2) / 2) for index, name in enumerate(list(names)[1:])}
    drawn: dict[str, list[dict]] = {name: [] for name in names}
    for point in points:
        place = round(x(point.rate) + shift.get(point.scenario, 0.0), 1)
        drawn[point.scenario].append(
            {
                "x": place,
                "y": None if point.centre is None else y(point.centre),
                "bar": None if point.interval is None else (y(point.interval[0]), y(point.interval[1])),
                "dots": "".join(f"M{round(place - 5, 1)} {y(value)}h0" for value in point.dots),
                "note": point.note,
            }
        )
    first, *others = names
    start = drawn[first][0]
    return {
        "height": BOTTOM + 36,
        "top": top,
        "bottom": BOTTOM,
        "left": LEFT,
        "right": RIGHT,
        "x_ticks": [(x(rate), f"{rate:g}") for rate in rates],
        "y_ticks": [(y(mark), f"{mark:g}") for mark in marks],
        "reference": start["y"],
        "series": [
            {
                "style": style % STYLES,
                "shape": SHAPES[style % len(SHAPES)],
                "name": name,
                "path": _path([start, *drawn[name]] if name in others else []),
                "points": drawn[name],
                "legend": (6 + 89 * (index % LEGEND_COLUMNS), 10 + LEGEND_ROW * (index // LEGEND_COLUMNS)),
            }
            for index, (name, style) in enumerate(names.items())
        ],
    }


def _across(rates: list[float], crowd: int) -> tuple[Scale, float]:
    """The axis of rates, and how far apart the `crowd` scenarios of one rate stand: never as far as the next rate's."""
    gap = min((after - before for before, after in pairwise(rates)), default=1.0)
    span = max(rates[-1] - rates[0], gap)
    margin = DODGE * max(crowd, 1) / 2 + 6
    x = Scale(rates[0], rates[0] + span, LEFT + 16, RIGHT - margin)
    return x, round(min(DODGE, CROWD * (x(rates[0] + gap) - x(rates[0])) / max(crowd, 1)), 2)


def _path(places: list[dict]) -> str:
    """A line through the places that have a value."""
    return "M" + "L".join(f"{place['x']} {place['y']}" for place in places if place["y"] is not None) if places else ""
