"""The table of benchmarks in docs/results.md, from results/benchmarks/NAME.json.

Such a file is the JSON object of a benchmark's last line with two keys beside it: `command`, and `machine` in words.
"""

import json
from pathlib import Path
from typing import Any

from results_cells import figure, table

COLUMNS = ("name", "ratio", "same_result", "command", "machine")


def section(folder: Path) -> list[str]:
    """A row a benchmark, and below the table the other figures of each."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not found:
        return [f"No benchmark's figures lie in `results/{folder.name}/`."]
    rows = [
        [
            one["name"],
            f"{figure(one['ratio'])}x",
            "yes" if one["same_result"] else "no",
            f"`{one['command']}`",
            one["machine"],
        ]
        for one in found
    ]
    lines = table(["benchmark", "ratio to its reference", "same result", "command", "machine"], rows)
    for one in found:
        others = {key: value for key, value in one.items() if key not in COLUMNS}
        if others:
            lines += [f"- {one['name']}: {'; '.join(_flat(others))}"]
    return lines


def _flat(tree: dict[str, Any], prefix: str = "") -> list[str]:
    """`key value` of every leaf, keys joined by dots."""
    lines = []
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            lines += _flat({str(index): item for index, item in enumerate(value)}, f"{prefix}{key}.")
        else:
            shown = figure(value) if isinstance(value, float) else json.dumps(value).strip('"')
            lines.append(f"{prefix}{key} {shown}")
    return lines
