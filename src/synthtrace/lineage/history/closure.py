"""What a number of some revision rests on: data, parameters, code and environment, each as values and as one digest."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthtrace.lineage.pipeline import PARAMS, producers
from synthtrace.lineage.scripts import CODE
from synthtrace.lineage.study import Study
from synthtrace.lineage.trace.rests import PREDICTIONS, rests_on
from synthtrace.lineage.trace.target import Target
from synthtrace.lineage.trace.walk import code_makers, is_gate, walk

PARTS = ("data", "params", "code", "environment")
REQUIREMENTS = "requirements.lock"


class Past(Study):
    """A revision's dvc.yaml, dvc.lock, params.yaml and metrics in a folder of their own, read as any study is."""

    @property
    def scenarios(self) -> list[str]:
        """Scenarios by the lock: old parameters may be none that today's code takes."""
        outs = [Path(out) for stage in self.lock.values() for out in stage.outs]
        return [out.stem for out in outs if out.parent.as_posix() == PREDICTIONS]


@dataclass(frozen=True)
class Closure:
    """Values by part and key; None for a part of which nothing is known."""

    values: dict[str, dict[str, Any] | None]

    def digests(self) -> dict[str, str | None]:
        """Hex sha256 of each part's values by key; None for an unknown part."""
        return {part: None if values is None else _digest(values) for part, values in self.values.items()}


UNKNOWN = Closure(dict.fromkeys(PARTS))


def closure(study: Study, path: str, key: str, requirements: str | None) -> Closure:
    """The closure of a number in `path`, by the study's lock; gates are no part of it, for they make nothing.

    `requirements`: md5 of the revision's requirements.lock, for locks that do not name it.
    """
    makers = producers(study.lock, path)
    if not makers:
        return UNKNOWN
    roots = [stage for stage, _ in makers]
    reached = walk(study, roots, rests_on(study, Target(f"{path}:{key}", "number", path, makers, key)) or {})
    names = [name for name in reached if name in roots or not is_gate(study, name)]
    coders = {maker for name in names for maker in code_makers(study, name)}
    found: dict[str, dict[str, list[Any]]] = {part: {} for part in PARTS}

    def note(part: str, item: str, value: Any) -> None:
        values = found[part].setdefault(item, [])
        if value not in values:
            values.append(value)

    for name in names:
        stage = study.lock[name]
        for dep, digest in stage.deps.items():
            if Path(dep).name == REQUIREMENTS:
                note("environment", REQUIREMENTS, digest)
            elif name not in coders and not producers(study.lock, dep):
                note("data", dep, digest)
        for file, values in stage.params.items():
            for param, value in values.items():
                note(
                    "code" if Path(file).name == CODE else "params",
                    param if file in (PARAMS, CODE) else f"{file}:{param}",
                    value,
                )
    if requirements and not found["environment"]:
        note("environment", REQUIREMENTS, requirements)
    # a number may rest on no source data, but never on no code
    known = {part: found[part] or (None if part in ("code", "environment") else {}) for part in PARTS}
    return Closure({part: values and {item: _one(each) for item, each in values.items()} for part, values in known.items()})


def _one(values: list[Any]) -> Any:
    """The value, or, when stages ran at different times with different ones, all of them in a fixed order."""
    return values[0] if len(values) == 1 else sorted(values, key=lambda value: json.dumps(value, sort_keys=True))


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
