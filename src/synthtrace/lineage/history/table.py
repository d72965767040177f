"""The history of a number for people: a line a revision, and below it what changed."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from synthtrace.lineage.findings import listed
from synthtrace.lineage.history.closure import PARTS
from synthtrace.lineage.history.history import Row

SHORT = 7  # digits of a digest
MOST = 4  # changed keys of a part


def show(rows: list[Row]) -> None:
    """Print the rows; a digest that differs from the next older row's stands out and has a star."""
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=140, highlight=False)
    table = Table("revision", "date", "value", *PARTS, "what", box=None, pad_edge=False)
    for column in table.columns[:-1]:
        column.no_wrap = True  # the last one alone gives way
    for row in rows:
        revision = row.revision
        name = f"[{revision.name}]" if revision.kind == "experiment" else revision.name
        table.add_row(
            Text(name),
            (revision.date or "")[:16].replace("T", " "),
            "-" if row.value is None else f"{row.value:.6g}",
            *(_digest(row, part) for part in PARTS),
            Text(revision.subject or "", no_wrap=True, overflow="ellipsis"),
        )
    console.print(table)
    for row in rows:
        for line in _lines(row):
            console.print(Text(f"{row.revision.name}: {line}"), soft_wrap=True)
    console.print(Text("*: differs from the next older line; -: not known, or no such number", "dim"))


def _digest(row: Row, part: str) -> Text:
    digest = row.digests[part]
    if part in row.changed:
        return Text(f"{str(digest)[:SHORT]}*", "bold yellow")
    return Text(digest[:SHORT] if digest else "-")


def _lines(row: Row) -> list[str]:
    lines = [
        f"{part}: {listed([_change(key, *values) for key, values in keys.items()], MOST)}" for part, keys in row.changes.items()
    ]
    return [*lines, *([row.note] if row.note else [])]


def _change(key: str, old: Any, new: Any) -> str:
    if old is None or new is None:
        return f"{key} {'came' if old is None else 'went'}"
    if all(isinstance(value, str) and len(value) >= 32 for value in (old, new)):
        return f"{key} {old[:SHORT]} -> {new[:SHORT]}"
    return f"{key} {old} -> {new}"
