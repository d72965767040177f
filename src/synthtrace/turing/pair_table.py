"""The score of pairs for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

from synthtrace.turing.questions import GRADES, QUALITIES

Plain = dict[str, Any]


def _kappa(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _readers(readers: list[Plain]) -> Table:
    columns = ["real called real", "real called synthetic", "synthetic called real", "synthetic called synthetic", "kappa"]
    table = Table("reader", *columns, title="each reader and the truth, Cohen's kappa", title_justify="left")
    for one in readers:
        table.add_row(one["name"], *(str(one[count]) for count in ("tp", "fn", "fp", "tn")), _kappa(one["kappa"]))
    return table


def _grades(grades: Plain) -> Table:
    table = Table("quality", "pairs", *GRADES, title="share of each grade, over readers", title_justify="left")
    for question in QUALITIES:
        for group, shares in grades[question.name].items():
            cells = ["" if shares[grade] is None else f"{shares[grade]:.3f}" for grade in GRADES]
            table.add_row(question.name.removesuffix("_quality"), group, *cells)
    return table


def show_pairs(found: Plain, console: Console) -> None:
    """Print what `score_pairs` returned."""
    console.print(_readers(found["readers"]))
    if found["grades"] is None:
        return
    console.print(_grades(found["grades"]))
    for question, agreement in (found["agreement"] or {}).items():
        what = question.replace("_", " ")
        console.print(f"agreement of readers on {what}, linearly weighted kappa: {_kappa(agreement['kappa'])}")
