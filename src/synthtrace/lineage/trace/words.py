"""Counts, values and names in few words, for one stage or for the items of a matrix together."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from synthtrace.tables import ROLES

SINGULAR = {"copies": "copy"}
SHORT = 8


def short(digest: str | None) -> str:
    """A digest as people compare it; a folder's keeps its ending."""
    if digest is None:
        return "unknown"
    return digest[:SHORT] + (".dir" if digest.endswith(".dir") else "")


def short_commit(commit: str) -> str:
    """A commit, and whether the tree differed from it."""
    name, _, dirty = commit.partition("-")
    return name[:SHORT] + (f"-{dirty}" if dirty else "")


def value_words(value: Any) -> str:
    """A parameter's value on one line."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {value_words(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(value_words, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def span(values: Iterable[float], digits: int = 0) -> str:
    """One value, or the least and the greatest of several."""
    low, high = min(found := list(values)), max(found)
    texts = [f"{value:,.{digits}f}" for value in (low, high)]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"


def counts_words(every: Sequence[dict[str, Any]]) -> str:
    """Counts of one out, or of the same out of several items: `24 images`, `20 to 24 kept each`; empty without any."""
    found = [counts for counts in every if counts]
    words = []
    for key in dict.fromkeys(key for counts in found for key in counts):
        values = [counts[key] for counts in found if key in counts]
        if key == "pass":
            words.append("passed" if all(values) else "failed")
        elif key == "labels":
            words += [f"{span(value.get(label, 0) for value in values)} {label}" for label in values[0]]
        elif key == "folds" and isinstance(values[0], dict):
            words.append(_folds(values[0]))
        elif key != "checkpoint":
            words.append(counted(values, key))
    each = " each" if len(every) > 1 and any(set(counts) - {"pass"} for counts in found) else ""
    return ", ".join(words) + each


def counted(values: Sequence[int], key: str) -> str:
    """`1 patient`, `20 to 24 condition images`."""
    name = key.replace("_", " ")
    one = SINGULAR.get(name, name.removesuffix("s")) if set(values) == {1} else name
    return f"{span(values)} {one}"


def _folds(folds: dict[str, dict[str, dict[str, int]]]) -> str:
    parts = []
    for role in ROLES:
        sizes = [fold[role] for fold in folds.values() if role in fold]
        if not sizes:
            continue
        patients, images = ([size[unit] for size in sizes] for unit in ("patients", "images"))
        parts.append(f"{role} {counted(patients, 'patients')}, {counted(images, 'images')}")
    return f"{counted([len(folds)], 'folds')} of {'; '.join(parts)}"


def items_words(stages: Sequence[str]) -> str:
    """Names of one stage's items together: `select@semantic-0..4`, `sample@{semantic,class}-0`."""
    base = stages[0].split("@")[0]
    items = [name.partition("@")[2] for name in stages]
    if len(items) == 1:
        return stages[0]
    folds: dict[str, list[str]] = {}
    for item in items:
        kind, _, fold = item.rpartition("-")
        folds.setdefault(kind, []).append(fold)
    tails: dict[str, list[str]] = {}
    for kind, found in folds.items():
        tails.setdefault(_runs(found), []).append(kind)
    parts = [f"{_braced(kinds)}-{tail}" if kinds != [""] else tail for tail, kinds in tails.items()]
    return f"{base}@{_braced(parts)}"


def _braced(names: list[str]) -> str:
    return names[0] if len(names) == 1 else "{" + ",".join(names) + "}"


def _runs(values: list[str]) -> str:
    """`0..4` for whole numbers in a row, `{a,b}` for others."""
    if len(values) > 2 and all(value.isdigit() for value in values):
        whole = sorted(map(int, values))
        if all(after == before + 1 for before, after in pairwise(whole)):
            return f"{whole[0]}..{whole[-1]}"
    return _braced(values)


def together(texts: Sequence[str]) -> str:
    """Commands or paths of several items as one, what differs in braces: `data/pools/semantic/fold{0,1}`."""
    parts = [re.findall(r"\d+|[^\W\d]+|\W+", text) for text in texts]
    if len({len(part) for part in parts}) > 1:
        return _braced(list(dict.fromkeys(texts)))
    columns = [list(dict.fromkeys(column)) for column in zip(*parts, strict=True)]
    return "".join(column[0] if len(column) == 1 else "{" + _runs(column).strip("{}") + "}" for column in columns)
