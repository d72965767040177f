"""The pipeline as dvc.yaml states it: its stages, collapsed over matrix items, and which stage feeds which."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from synthtrace.digests import digest
from synthtrace.errors import InputError

REPORT = "report"

_TEMPLATE = re.compile(r"\$\{([^}]+)\}")
_ITEM = re.compile(r"(item|key)\b")


@dataclass(frozen=True)
class PipelineStage:
    """A stage of dvc.yaml: how many items its matrix has, what it reads and writes, which files it takes parameters from."""

    name: str
    desc: str
    items: int
    deps: list[str]
    outs: list[str]
    param_files: list[str]

    @property
    def label(self) -> str:
        """Its name, with the number of items where there are several."""
        return self.name if self.items == 1 else f"{self.name} \N{MULTIPLICATION SIGN}{self.items}"


def _look_up(tree: Any, key: str) -> Any:
    """A parameter by its dotted key, of lists an item by its place: `generator.kinds[0]`."""
    for part in re.findall(r"[^.\[\]]+", key):
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return tree


def _fill(text: str, params: dict[str, Any]) -> str:
    """Replace `${key}` by its parameter; what names the item of a matrix or foreach becomes `*`, any item."""
    return _TEMPLATE.sub(lambda hit: "*" if _ITEM.match(hit[1]) else str(_look_up(params, hit[1])), text)


def _items(stage: dict[str, Any], params: dict[str, Any]) -> int:
    """How many items a stage's matrix or foreach has; 1 where it has neither."""
    several = [stage["foreach"]] if "foreach" in stage else stage.get("matrix", {}).values()
    lists = []
    for values in several:
        template = _TEMPLATE.fullmatch(values) if isinstance(values, str) else None
        lists.append(_look_up(params, template[1]) if template else values)
    return math.prod(len(values) for values in lists)


def _paths(entries: list[Any], params: dict[str, Any]) -> list[str]:
    return [_fill(next(iter(entry)) if isinstance(entry, dict) else entry, params) for entry in entries]


def read_pipeline(path: Path, params: dict[str, Any]) -> list[PipelineStage]:
    """Stages of a dvc.yaml, its templates filled from a parameter tree; raises InputError when there is no such file."""
    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such pipeline; run this in the folder that holds dvc.yaml") from None
    return [_stage(name, entry, params) for name, entry in tree["stages"].items()]


def _stage(name: str, entry: dict[str, Any], params: dict[str, Any]) -> PipelineStage:
    body = entry.get("do", entry)
    return PipelineStage(
        name=name,
        desc=body.get("desc", ""),
        items=_items(entry, params),
        deps=_paths(body.get("deps", []), params),
        outs=_paths(body.get("outs", []), params),
        param_files=[file for one in body.get("params", []) if isinstance(one, dict) for file in one],
    )


def overlap(first: str, second: str) -> bool:
    """Whether two paths are equal or one lies in the other; `*` stands for any text inside a name."""
    return all(
        re.fullmatch(re.escape(a).replace(r"\*", ".*"), b) or re.fullmatch(re.escape(b).replace(r"\*", ".*"), a)
        for a, b in zip(first.split("/"), second.split("/"), strict=False)
    )


def producers(stages: list[PipelineStage], path: str) -> list[str]:
    """Names of the stages that write a path, something in it, or a folder around it."""
    return [stage.name for stage in stages if any(overlap(out, path) for out in stage.outs)]


def graph(stages: list[PipelineStage]) -> dict[str, set[str]]:
    """For each stage the stages whose outs it reads (not those that write its parameter files), implied arrows left out."""
    parents = {stage.name: {name for dep in stage.deps for name in producers(stages, dep)} - {stage.name} for stage in stages}

    def above(name: str) -> set[str]:
        return parents[name].union(*(above(parent) for parent in parents[name]))

    return {
        name: {one for one in found if not any(one in above(other) for other in found if other != one)}
        for name, found in parents.items()
    }


def inputs(root: Path, stages: list[PipelineStage]) -> list[dict[str, str]]:
    """What the page was made from: each dep of the report's own stage, its digest, and the stages that made it."""
    own = next((stage for stage in stages if stage.name == REPORT), None)
    if own is None:
        raise InputError(f"{root / 'dvc.yaml'}: no stage {REPORT!r}, whose deps the page lists")
    return [{"path": dep, "digest": digest(root / dep), "makers": ", ".join(producers(stages, dep))} for dep in own.deps]
