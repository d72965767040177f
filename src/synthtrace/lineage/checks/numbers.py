"""Numbers: what the project reports, computed again from the stored predictions."""

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.lineage.findings import Finding, fail, note, warn
from synthtrace.lineage.hashing import files_below
from synthtrace.lineage.pipeline import producer
from synthtrace.lineage.study import Study, read_json

PROMISE = "every number in metrics/ and plots/ recomputes from the stored predictions"

SUMMARY = "metrics/summary.json"
PREDICTIONS = "data/predictions"
# verdicts on data, which the check `gates` judges
VERDICTS = "metrics/quality/"
# relative difference that sums in another order, by another library version, can make
ROUNDING = 1e-9


def check(study: Study) -> Iterator[Finding]:
    """Compare the predictions again, as the stage that wrote the summary did, and hold every number against what lies there."""
    made = producer(study.lock, SUMMARY)
    if made is None:
        raise InputError(f"{study.root / 'dvc.lock'}: no stage makes {SUMMARY}; expected that one compares the predictions")
    summary, tables = _recomputed(study, made[0])
    yield from _summary(study, summary)
    for path, table in tables.items():
        yield from _table(study, path, table)
    for folder in ("metrics", "plots"):
        for name in sorted(files_below(study.root / folder)):
            path = f"{folder}/{name}"
            if path not in (SUMMARY, *tables) and not path.startswith(VERDICTS):
                yield warn(f"{path}: nothing computes its numbers again, so that they are not proved", path)
    cells = sum(table.size for table in tables.values())
    scenarios, rows = list(summary["scenarios"]), sum(len(study.predictions(name)) for name in study.scenarios)
    yield note(
        f"{len(_leaves(summary))} values of {SUMMARY} and {cells} of {' and '.join(tables)} computed again from the {rows} "
        f"predictions of {', '.join(scenarios)}"
    )


def _recomputed(study: Study, stage: str) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    from synthtrace.compare import from_predictions

    try:
        result = from_predictions(study.path(PREDICTIONS), study.params_of(stage))
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, ArithmeticError) as error:
        found = " ".join(str(error).split())[:200]
        raise InputError(
            f"{study.path(PREDICTIONS)}: tables that cannot be compared ({type(error).__name__}: {found})"
        ) from None
    return result.summary, {"plots/auc.csv": result.auc, "plots/roc.csv": result.roc}


def _summary(study: Study, summary: dict[str, Any]) -> Iterator[Finding]:
    """One finding a number that differs; one for other bytes when all numbers agree."""
    stored = read_json(study.root / SUMMARY)
    found, expected = _leaves(stored), _leaves(summary)
    differing = [key for key in [*expected, *found] if key not in found or key not in expected or found[key] != expected[key]]
    for key in dict.fromkeys(differing):
        there, computed = (leaves.get(key, "no such number") for leaves in (found, expected))
        yield _differs(study, f"{SUMMARY}: {key} is {there}; the predictions give {computed}", SUMMARY, there, computed)
    if not differing and _bytes(study, SUMMARY) != json.dumps(summary, indent=2, allow_nan=False) + "\n":
        tell = warn if study.evidence else fail
        yield tell(
            f"{SUMMARY}: its numbers are those that the predictions give, its bytes are not what the stage writes", SUMMARY
        )


def _table(study: Study, path: str, table: pd.DataFrame) -> Iterator[Finding]:
    """One finding a plot's table: how many of its cells differ, and the first."""
    stored, computed = _bytes(study, path), table.to_csv(index=False, lineterminator="\n")
    if stored == computed:
        return
    found, expected = _rows(path, stored), _rows(path, computed)
    names = list(table.columns)
    header = found[0] if found else []
    if header != names:
        yield fail(f"{path}: has the columns {', '.join(header) or 'of an empty file'}; expected {', '.join(names)}", path)
        return
    if len(found) != len(expected) or any(len(row) != len(names) for row in found):
        yield fail(f"{path}: has {len(found) - 1} rows; the predictions give {len(expected) - 1} of {len(names)} cells", path)
        return
    cells = [
        (row, name) for row in range(1, len(found)) for name in range(len(names)) if found[row][name] != expected[row][name]
    ]
    if not cells:
        tell = warn if study.evidence else fail
        yield tell(f"{path}: its values are those that the predictions give, its bytes are not what the stage writes", path)
        return
    worst = max(cells, key=lambda cell: _apart(found[cell[0]][cell[1]], expected[cell[0]][cell[1]]))
    row, name = worst
    where = ", ".join(expected[row][:name])
    said = f"{names[name]} of row {row} ({where}) is {found[row][name]}; the predictions give {expected[row][name]}"
    more = f" ({len(cells)} of {len(names) * (len(found) - 1)} values differ, this one most)" if len(cells) > 1 else ""
    yield _differs(study, f"{path}: {said}{more}", path, found[row][name], expected[row][name])


def _differs(study: Study, message: str, path: str, there: Any, computed: Any) -> Finding:
    if study.evidence and _apart(there, computed) < ROUNDING:
        return warn(f"{message}: the libraries of today round otherwise", path)
    return fail(message, path)


def _apart(there: Any, computed: Any) -> float:
    """Relative difference of two numbers, written or as text; infinite for what is none."""
    if isinstance(there, bool) or isinstance(computed, bool):
        return math.inf
    try:
        one, other = float(there), float(computed)
    except (TypeError, ValueError):
        return math.inf
    apart = abs(one - other) / max(abs(one), abs(other), 1e-300)
    return apart if math.isfinite(apart) else math.inf


def _leaves(tree: Any, key: str = "") -> dict[str, Any]:
    """Values of nested mappings and lists by dotted key, items of lists by position."""
    if isinstance(tree, dict | list):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return {
            name: value
            for below, part in items
            for name, value in _leaves(part, f"{key}.{below}" if key else str(below)).items()
        }
    return {key: tree}


def _bytes(study: Study, path: str) -> str:
    try:
        return (study.root / path).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{study.root / path}: cannot be read ({error})") from None


def _rows(path: str, text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise InputError(f"{path}: not a readable CSV table ({error})") from None
