"""Numbers: what the project reports, computed again from the stored tables, and fidelity from the images and extractors."""

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.lineage.findings import Finding, fail, listed, note, warn
from synthtrace.lineage.hashing import files_below
from synthtrace.lineage.recomputed import SOURCES, SUMMARY, Contents, Source, leaves, values
from synthtrace.lineage.run import Run, read_json
from synthtrace.lineage.segmentation.study import PairStudy

PROMISE = "every number in metrics/ and plots/ recomputes from the stored predictions, explanations and images"

# verdicts on data, which the check `gates` judges
VERDICTS = "metrics/quality/"
# relative difference that sums in another order, by another library version, can make
ROUNDING = 1e-9


def check(study: Run) -> Iterator[Finding]:
    """Compute every file of numbers again, as the stage that wrote it did, and hold it against what lies there."""
    sources = _sources(study)
    if sources[0].stage(study) is None:
        raise InputError(f"{study.root / 'dvc.lock'}: no stage makes {SUMMARY}; expected that one compares the predictions")
    known: set[str] = set()
    for source in sources:
        stage = source.stage(study)
        if stage is None:
            continue
        known.update(source.files)
        if why := source.left_out(study):
            yield note(f"{listed(source.files)}: {why}", source.files[0])
            continue
        try:
            yield from _judged(study, source, _computed(study, source, stage))
        except InputError as error:
            yield fail(str(error), source.files[0])
    for folder in ("metrics", "plots"):
        for name in sorted(files_below(study.root / folder)):
            path = f"{folder}/{name}"
            if path not in known and not path.startswith(VERDICTS):
                yield warn(f"{path}: nothing computes its numbers again, so that they are not proved", path)


def _sources(study: Run) -> list[Source]:
    if isinstance(study, PairStudy):
        from synthtrace.lineage.segmentation.recomputed import SOURCES as OF_PAIRS

        return OF_PAIRS
    return SOURCES


def _computed(study: Run, source: Source, stage: str) -> Contents:
    try:
        return source.compute(study, stage)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, ArithmeticError) as error:
        found = " ".join(str(error).split())[:200]
        raise InputError(
            f"{source.files[0]}: {source.given_by} cannot be made into numbers ({type(error).__name__}: {found})"
        ) from None


def _judged(study: Run, source: Source, contents: Contents) -> Iterator[Finding]:
    judge = _Judge(study, source.given_by, contents.elsewhere)
    for path, content in contents.by_path.items():
        try:
            yield from (judge.table if isinstance(content, pd.DataFrame) else judge.tree)(path, content)
        except InputError as error:
            yield fail(str(error), path)
    counts = [f"{values(content)} values of {path}" for path, content in contents.by_path.items()]
    yield note(f"computed again from {source.given_by}: {', '.join(counts)}")


class _Judge:
    """Holds files against what they should hold; `given_by` gives their numbers, `elsewhere` says why not exactly."""

    def __init__(self, study: Run, given_by: str, elsewhere: str) -> None:
        self.study = study
        self.given_by = given_by
        self.elsewhere = elsewhere
        self.tell_bytes = warn if study.evidence or elsewhere else fail

    def tree(self, path: str, tree: dict[str, Any]) -> Iterator[Finding]:
        """One finding a number that differs; one for other bytes when all numbers agree."""
        found, expected = leaves(read_json(self.study.root / path)), leaves(tree)
        wrong = [key for key in [*expected, *found] if key not in found or key not in expected or found[key] != expected[key]]
        for key in dict.fromkeys(wrong):
            there, computed = (every.get(key, "no such number") for every in (found, expected))
            yield self._differs(f"{path}: {key} is {there}; {self.given_by} give {computed}", path, there, computed)
        if not wrong and self._text(path) != json.dumps(tree, indent=2, allow_nan=False) + "\n":
            yield self._other_bytes(path)

    def table(self, path: str, table: pd.DataFrame) -> Iterator[Finding]:
        """One finding a plot's table: how many of its cells differ, and the one that differs most."""
        stored, computed = self._text(path), table.to_csv(index=False, lineterminator="\n")
        if stored == computed:
            return
        found, expected = _rows(path, stored), _rows(path, computed)
        names = list(table.columns)
        header = found[0] if found else []
        if header != names:
            yield fail(f"{path}: has the columns {', '.join(header) or 'of an empty file'}; expected {', '.join(names)}", path)
            return
        if len(found) != len(expected) or any(len(row) != len(names) for row in found):
            size = f"{len(expected) - 1} of {len(names)} cells"
            yield fail(f"{path}: has {len(found) - 1} rows; {self.given_by} give {size}", path)
            return
        places = [(row, name) for row in range(1, len(found)) for name in range(len(names))]
        cells = [(row, name) for row, name in places if found[row][name] != expected[row][name]]
        if not cells:
            yield self._other_bytes(path)
            return
        row, name = max(cells, key=lambda cell: _apart(found[cell[0]][cell[1]], expected[cell[0]][cell[1]]))
        there, right = found[row][name], expected[row][name]
        where = ", ".join(expected[row][:name])
        more = f" ({len(cells)} of {len(places)} values differ, this one most)" if len(cells) > 1 else ""
        said = f"{names[name]} of row {row} ({where}) is {there}; {self.given_by} give {right}{more}"
        yield self._differs(f"{path}: {said}", path, there, right)

    def _differs(self, message: str, path: str, there: Any, computed: Any) -> Finding:
        if self.elsewhere:
            return warn(f"{message} ({self.elsewhere})", path)
        if self.study.evidence and _apart(there, computed) < ROUNDING:
            return warn(f"{message}: the libraries of today round otherwise", path)
        return fail(message, path)

    def _other_bytes(self, path: str) -> Finding:
        same = f"{path}: its numbers are those that {self.given_by} give, its bytes are not what the stage writes"
        return self.tell_bytes(same, path)

    def _text(self, path: str) -> str:
        try:
            return (self.study.root / path).read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{self.study.root / path}: cannot be read ({error})") from None


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


def _rows(path: str, text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise InputError(f"{path}: not a readable CSV table ({error})") from None
