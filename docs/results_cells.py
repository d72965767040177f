"""Cells and tables of docs/results.md."""

from collections.abc import Iterable
from typing import Any

MISSING = "n/a"


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """A figure of an AUC's size."""
    return MISSING if value is None else f"{value:{'+' if sign else ''}.{digits}f}"


def figure(value: float | None) -> str:
    """A figure of any size, four digits of it."""
    return MISSING if value is None else f"{value:.4g}"


def p_value(value: float | None) -> str:
    """A p-value; what would round to 0 is below 0.001."""
    return "< 0.001" if value is not None and value < 0.0005 else number(value)


def interval(pair: list[float | None] | None, sign: bool = False) -> str:
    """An interval of AUCs."""
    return MISSING if pair is None else f"{number(pair[0], sign=sign)} to {number(pair[1], sign=sign)}"


def mean_sd(entry: dict[str, Any]) -> str:
    """Mean ± standard deviation; the mean alone of what does not vary."""
    return number(entry["mean"]) + ("" if entry["sd"] is None else f" ± {number(entry['sd'])}")


def difference(versus: dict[str, Any] | None) -> str:
    """A difference with its interval; empty for what is compared with nothing."""
    return f"{number(versus['difference'], sign=True)} [{interval(versus['ci95'], sign=True)}]" if versus else ""


def table(heads: list[str], rows: Iterable[list[str]]) -> list[str]:
    """Lines of a Markdown table and an empty one after it."""
    head, *body = ("| " + " | ".join(cells) + " |" for cells in [heads, *rows])
    return [head, "|" + "---|" * len(heads), *body, ""]
