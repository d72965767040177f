"""What ran is what is asked for, and nothing lies about that nobody made."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from synthtrace.lineage.findings import Finding, fail, listed, note, warn
from synthtrace.lineage.hashing import files_below
from synthtrace.lineage.leaves import imports
from synthtrace.lineage.listings import cached_listing
from synthtrace.lineage.pipeline import Declared, Locked, read_yaml, within
from synthtrace.lineage.run import Run, read_json

PROMISE = "dvc.lock says what dvc.yaml and params.yaml say: no orphans, no stray files"

RAW = "data/raw"
OWN = ("data/.gitignore", "data/withdrawn.json")
# folder as it lies -> as the pipeline calls it
HOMES = {"data": "data", "metrics": "metrics", "plots": "plots"}


def check(study: Run) -> Iterator[Finding]:
    """Compare declared and locked stages by command, deps, outs and parameters; look for orphans and strays."""

    @cache
    def values(file: str) -> dict[str, Any]:
        path = study.root / file
        return read_json(path) if path.suffix == ".json" else read_yaml(path)

    for name, declared in study.declared.items():
        if name not in study.lock:
            yield fail(f"{name}: dvc.yaml declares it, dvc.lock does not hold it: it has not run; run `dvc repro`")
            continue
        locked = study.lock[name]
        if declared.cmd != locked.cmd:
            yield fail(f"{name}: ran `{locked.cmd}`, dvc.yaml asks for `{declared.cmd}`; run `dvc repro`")
        yield from _paths(name, declared, locked)
        for file in dict.fromkeys([*declared.params, *locked.params]):
            yield from _parameters(name, file, declared, locked, values)
    for name in study.orphans:
        yield fail(f"{name}: dvc.lock holds it, dvc.yaml and params.yaml do not ask for it; remove its entry from dvc.lock")
    yield from _strays(study)
    yield from _inside(study)
    yield note(f"{len(study.declared)} stages declared, {len(study.locked)} in dvc.lock")


def _paths(name: str, declared: Declared, locked: Locked) -> Iterator[Finding]:
    for what, asked, ran in (("dep", declared.deps, locked.deps), ("out", declared.outs, locked.outs)):
        for path in sorted(set(asked) - set(ran)):
            yield fail(f"{name}: dvc.yaml declares {what} {path}, dvc.lock does not hold it; run `dvc repro`", path)
        for path in sorted(set(ran) - set(asked)):
            yield fail(f"{name}: ran with {what} {path}, which dvc.yaml no longer declares; {_force(name)}", path)


def _parameters(name: str, file: str, declared: Declared, locked: Locked, values: Callable[[str], Any]) -> Iterator[Finding]:
    asked, ran = declared.params.get(file), locked.params.get(file, {})
    if asked == []:  # the whole file
        asked = list(values(file))
    for key in sorted(set(ran) - set(asked or [])):
        yield fail(f"{name}: ran with parameter {key} of {file}, which dvc.yaml no longer declares; {_force(name)}", file)
    for key in asked or []:
        now = _value(values(file), key)
        if now is MISSING:
            yield fail(f"{name}: dvc.yaml asks for parameter {key}, which {file} does not hold; put it back", file)
        elif key not in ran:
            yield fail(f"{name}: dvc.yaml declares parameter {key} of {file}, dvc.lock does not hold it; run `dvc repro`", file)
        elif ran[key] != now:
            yield fail(f"{name}: ran with {key} = {ran[key]!r}, {file} says {now!r}; run `dvc repro`", file)


MISSING = object()


def _value(tree: Any, key: str) -> Any:
    for name in key.split("."):
        if not isinstance(tree, dict) or name not in tree:
            return MISSING
        tree = tree[name]
    return tree


def _force(name: str) -> str:
    return f"DVC does not see this: run `dvc repro --force --single-item {name}`"


def _strays(study: Run) -> Iterator[Finding]:
    """Files and folders that no declared stage makes or reads; of a folder with nothing else, the folder."""
    outs = {out for stage in study.declared.values() for out in stage.outs}
    read = {dep for stage in study.declared.values() for dep in stage.deps}
    leaves = {dep for dep in read if not any(within(dep, out) or within(out, dep) for out in outs)}
    files = [one.file for one in imports(study).values()]
    known = {*outs, *leaves, *imports(study), *files, *OWN}
    kept = {folder: below for below, folder in study.kept.items() if folder}
    homes = kept | {name: name for name in HOMES if name != "data"} if study.evidence else HOMES
    for folder, name in homes.items():
        for path, called in _unknown(study.root / folder, name, known):
            count = len(files_below(path)) if path.is_dir() else 1
            if count and within(called, RAW):
                yield warn(f"{called}: {_count(count)} that no stage reads and no .dvc file holds; remove or `dvc add`", called)
            elif count:
                yield fail(f"{called}: {_count(count)} that no stage of dvc.yaml makes; remove it", called)


def _inside(study: Run) -> Iterator[Finding]:
    """Files in the folder of an out that were not there when it was made; names alone are compared."""
    for stage in study.lock.values():
        for out, digest in stage.outs.items():
            made = cached_listing(study, digest) if digest.endswith(".dir") else None
            if made is None:
                continue
            files = files_below(study.root / out)
            strays = [name for name in sorted(files.keys() - made.keys()) if not study.ignored(Path(files[name]))]
            if strays:
                yield fail(f"{out}: holds {listed(strays)}, which {stage.name} did not make; remove it", f"{out}/{strays[0]}")


def _count(files: int) -> str:
    return "a file" if files == 1 else f"{files:,} files"


def _unknown(path: Path, called: str, known: set[str]) -> Iterator[tuple[Path, str]]:
    if any(within(called, one) for one in known):
        return
    if not any(within(one, called) for one in known):
        if path.exists():
            yield path, called
    elif path.is_dir():
        for inside in sorted(path.iterdir()):
            yield from _unknown(inside, f"{called}/{inside.name}", known)
