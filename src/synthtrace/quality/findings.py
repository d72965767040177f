"""A verdict's failed expectations, for people."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

SHOWN_ROWS = 5


def show(verdict: dict[str, Any]) -> None:
    """Print a short table of what failed: the expectation, some of its rows, what to do. Nothing failed: nothing printed."""
    failed = [item for item in verdict["expectations"] if not item["pass"]]
    if not failed:
        return
    table = Table(title=f"gate {verdict['gate']}", show_lines=True, expand=True)
    for heading, share in (("expected", 1), ("failing rows", 2), ("what to do", 1)):
        table.add_column(heading, ratio=share)
    for item in sorted(failed, key=lambda item: item["severity"]):
        name = Text(item["name"])
        name.append(
            f"\n{item['severity']}, {item['failed_count']} of {item['checked']}",
            style="red" if item["severity"] == "error" else "yellow",
        )
        table.add_row(name, Text(_rows(item)), Text(item["todo"]))
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    console.print(table)


def _rows(item: dict[str, Any]) -> str:
    lines = [", ".join(f"{key} {value}" for key, value in row.items()) for row in item["failing_rows"][:SHOWN_ROWS]]
    more = item["failed_count"] - len(lines)
    return "\n".join([*lines, f"... and {more} more"] if more else lines)
