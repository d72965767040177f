"""Geometry of bars with intervals, in SVG units as in figures.py; `templates/figures.html.j2` draws them."""

from collections.abc import Sequence
from dataclasses import dataclass

from synthtrace.report.figures import STYLES, WIDTH, Scale, ticks

PITCH, HEADING = 31, 24
TOP = 2


@dataclass(frozen=True)
class Bar:
    """A value with its interval and the text beside it; None where it is missing. `hollow` bars are drawn as outlines."""

    name: str
    style: int
    hollow: bool
    text: str
    value: float | None
    interval: tuple[float, float] | None


def bar_plot(groups: Sequence[tuple[str, Sequence[Bar]]]) -> dict:
    """Bars from zero under the heading of their group, over one axis that holds zero and every value and bound."""
    bars = [bar for _, rows in groups for bar in rows]
    values = [value for bar in bars for value in (*(bar.interval or ()), bar.value) if value is not None]
    low, high = min([0.0, *values]), max([0.0, *values])
    marks = ticks(low, high if high > low else 1.0)
    x = Scale(marks[0], marks[-1], 20, WIDTH - 20)
    drawn, y = [], TOP
    for heading, rows in groups:
        y += HEADING
        found = []
        for bar in rows:
            ends = None if bar.value is None else sorted((x(0), x(bar.value)))
            found.append(
                {
                    "name": bar.name,
                    "style": bar.style % STYLES,
                    "hollow": bar.hollow,
                    "text": bar.text,
                    "y": y,
                    "box": None if ends is None else (ends[0], round(ends[1] - ends[0], 1)),
                    "whisker": None if bar.interval is None else (x(bar.interval[0]), x(bar.interval[1])),
                }
            )
            y += PITCH
        drawn.append({"heading": heading, "y": y - PITCH * len(rows) - 8, "bars": found})
    return {
        "height": y + 24,
        "bottom": y,
        "zero": x(0),
        "ticks": [(x(mark), f"{mark:g}".replace("-", "\N{MINUS SIGN}")) for mark in marks],
        "groups": drawn,
    }
