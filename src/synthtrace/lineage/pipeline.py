"""What dvc.yaml declares and what dvc.lock says was run, read from the files themselves."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from synthtrace.errors import InputError

PARAMS = "params.yaml"


@dataclass(frozen=True)
class Declared:
    """A stage as dvc.yaml and params.yaml ask for it, its templates filled; `params` holds the keys by file."""

    name: str
    cmd: str
    deps: list[str]
    outs: list[str]
    uncached: set[str]
    params: dict[str, list[str]]


@dataclass(frozen=True)
class Locked:
    """A stage as it ran: md5 of deps and outs by path, parameter values by file and key."""

    name: str
    cmd: str
    deps: dict[str, str] = field(default_factory=dict)
    outs: dict[str, str] = field(default_factory=dict)
    params: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping, read as DVC does (YAML 1.2: `1e-06` is a number, `no` a word); raises InputError naming the file."""
    try:
        tree = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run this where dvc.yaml stands, after the pipeline has run") from None
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(tree, dict):
        raise InputError(f"{path}: expected a mapping, found {type(tree).__name__}")
    return tree


def read_lock(path: Path) -> dict[str, Locked]:
    """Stages of a dvc.lock by name; raises InputError naming the file and the stage."""
    stages = read_yaml(path).get("stages") or {}
    if not isinstance(stages, dict):
        raise InputError(f"{path}: stages: expected a mapping of stages by name, found {type(stages).__name__}")
    return {name: locked(name, stage, path) for name, stage in stages.items()}


def locked(name: str, stage: Any, source: Path) -> Locked:
    """A stage as dvc.lock, or an entry of DVC's run cache, holds it; raises InputError naming the file it stands in."""
    try:
        deps, outs = ({item["path"]: item["md5"] for item in stage.get(key, [])} for key in ("deps", "outs"))
        params = {file: dict(values) for file, values in stage.get("params", {}).items()}
        return Locked(name, stage["cmd"], deps, outs, params)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(
            f"{source}: stage {name}: expected cmd, path and md5 of each of deps and outs, and params by file and key"
        ) from None


def read_declared(folder: Path) -> dict[str, Declared]:
    """Stages of `folder`/dvc.yaml by name, matrix items apart, resolved by DVC's own code."""
    from dvc.exceptions import DvcException
    from dvc.parsing import DataResolver
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.WARNING)
    tree = read_yaml(folder / "dvc.yaml")
    try:
        resolver = DataResolver(Repo(str(folder), uninitialized=True), str(folder), tree)
        stages = resolver.resolve()["stages"]
    except DvcException as error:
        raise InputError(f"{folder / 'dvc.yaml'}: {error}") from None
    return {name: _declared(name, stage) for name, stage in stages.items()}


def _declared(name: str, stage: dict[str, Any]) -> Declared:
    keys: dict[str, list[str]] = {}
    for entry in stage.get("params", []):
        for file, found in (entry if isinstance(entry, dict) else {PARAMS: [entry]}).items():
            keys.setdefault(file, []).extend(found or [])
    outs, uncached = [], set()
    for entry in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
        path, options = next(iter(entry.items())) if isinstance(entry, dict) else (entry, {})
        outs.append(path)
        if not options.get("cache", True):
            uncached.add(path)
    return Declared(name, stage["cmd"], list(stage.get("deps", [])), outs, uncached, keys)


def within(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies below it; both with `/` between parts."""
    return path == folder or path.startswith(f"{folder}/")


def producer(stages: dict[str, Locked], path: str) -> tuple[str, str] | None:
    """Stage and out that hold a path: the out itself or a folder around it."""
    for stage in stages.values():
        for out in stage.outs:
            if within(path, out):
                return stage.name, out
    return None


def producers(stages: dict[str, Locked], path: str) -> list[tuple[str, str]]:
    """Stages and outs that a path holds or that hold it: a folder dep may gather the outs of many stages."""
    return [(stage.name, out) for stage in stages.values() for out in stage.outs if within(path, out) or within(out, path)]


def upstream(stages: dict[str, Locked], name: str) -> list[str]:
    """Names of all stages that a stage's deps and parameter files come from, directly or not, nearest first."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        stage = stages[waiting.pop(0)]
        for path in [*stage.deps, *stage.params]:
            for above, _ in producers(stages, path):
                if above not in found and above != name:
                    found[above] = None
                    waiting.append(above)
    return list(found)
