"""Numbers beside the summary, for the page to click through: of the curve, of fidelity, of explanations."""

import re
from typing import Any

from synthtrace.lineage.pipeline import producer
from synthtrace.lineage.run import read_json
from synthtrace.lineage.study import Study
from synthtrace.lineage.trace.rests import CURVE_FIGURES, FIDELITY, HOLM, item, rests_on
from synthtrace.lineage.trace.target import Target, numbers

Plain = dict[str, Any]

EXPLAIN = "metrics/explain.json"
# what of a key names a thing that has numbers: a point, a pool, an image
THINGS = {
    CURVE_FIGURES: re.compile(r"runs\.\d+\.points\.\d+(?=\.)"),
    FIDELITY: re.compile(r"(pools|kinds)\.\d+(?=\.)"),
    EXPLAIN: re.compile(r"images\.\d+(?=\.)"),
}
NAMED_BY = ("image_id", "scenario", "kind", "selection", "mode", "mixing_rate", "fold", "label_name", "part", "source")


def figures(study: Study) -> list[Plain]:
    """The files that lie there: [{"path", "stage", "things": [{"key", "name", "outs", "numbers"}]}].

    Of each thing (THINGS; the last, with key "", is the whole file's): its numbers by key, and the outs that they rest on, []
    where that is all that the stage reads. Raises InputError for a file that cannot be read.
    """
    return [
        _file(study, path, made[0]) for path in THINGS if study.path(path).is_file() and (made := producer(study.lock, path))
    ]


def _file(study: Study, path: str, stage: str) -> Plain:
    by_thing: dict[str, dict[str, float | None]] = {}
    for key, value in numbers(study, path).items():
        found = THINGS[path].match(key)
        by_thing.setdefault(found[0] if found else "", {})[key] = value
    by_thing[""] = by_thing.pop("", {})
    tree = read_json(study.path(path))
    things = [
        {"key": key, "name": _name(tree, key), "outs": _outs(study, path, list(found)), "numbers": found}
        for key, found in by_thing.items()
        if found
    ]
    return {"path": path, "stage": stage, "things": things}


def _name(tree: Any, key: str) -> str:
    if not key:
        return "of the whole file"
    thing = item(tree, key.split(".")) or {}
    above = item(tree, key.split(".")[:2]) or {}
    run = [str(above["name"])] if "name" in above else []
    return ", ".join([*run, *(f"{name.replace('_', ' ')} {thing[name]}" for name in NAMED_BY if thing.get(name) is not None)])


def _outs(study: Study, path: str, keys: list[str]) -> list[str]:
    """What the numbers of a thing rest on: those of its last one, a difference where it has any."""
    key = next((key for key in reversed(keys) if not key.endswith(HOLM)), keys[-1])
    parts = rests_on(study, Target(f"{path}:{key}", "number", path, [], key))
    return [out for outs in (parts or {}).values() for out in outs]
