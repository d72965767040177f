"""The gates' verdicts, as `metrics/quality/*.json` hold them."""

from pathlib import Path
from typing import Any

from synthtrace.report.formats import MISSING, is_number
from synthtrace.report.reading import read_json

# gates of one kind of generator are called pools-<kind> and selection-<kind>
ORDER = ["scans", "crops", "folds", "pools", "selection", "predictions"]


def _text(value: Any) -> str:
    """A value of a verdict in words: `column width, distinct 2`."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items())
    if isinstance(value, float):
        return f"{value:g}" if is_number(value) else MISSING
    return MISSING if value is None else str(value)


def _table(rows: list[Any]) -> dict[str, list]:
    """Failing rows as a table: dicts by their keys, anything else in one column."""
    dicts = [row if isinstance(row, dict) else {"row": row} for row in rows]
    columns = list(dict.fromkeys(key for row in dicts for key in row))
    return {"columns": columns, "rows": [[_text(row.get(column)) for column in columns] for row in dicts]}


def _finding(expectation: dict[str, Any]) -> dict[str, Any]:
    rows = expectation.get("failing_rows") or []
    failed = expectation.get("failed_count")
    return {
        "name": expectation["name"],
        "severity": expectation.get("severity") or "",
        "observed": _text(expectation.get("observed")),
        "failed": _text(failed),
        "checked": _text(expectation.get("checked")),
        "todo": expectation.get("todo") or "",
        "table": _table(rows),
        "shown": len(rows) if failed is not None and failed > len(rows) > 0 else None,
    }


def read_gates(folder: Path) -> list[dict[str, Any]]:
    """One entry a verdict, in the order of the flow: its name, whether it passed, how much it checked, what did not hold.

    Each is {"gate", "pass", "checks", "findings": [...]}; a finding of a gate that passed is a warning.
    """
    verdicts = [read_json(path) for path in sorted(folder.glob("*.json"))]
    verdicts.sort(key=lambda verdict: ORDER.index(verdict["gate"].partition("-")[0]))
    return [
        {
            "gate": verdict["gate"],
            "pass": bool(verdict["pass"]),
            "checks": len(verdict["expectations"]),
            "findings": [_finding(expectation) for expectation in verdict["expectations"] if not expectation["pass"]],
        }
        for verdict in verdicts
    ]
