"""Code: what each stage's code is today, what it was when the stage ran, and whether its fingerprint covers what it loads."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from synthtrace.fingerprint import fingerprints
from synthtrace.lineage.findings import Finding, fail, listed, warn
from synthtrace.lineage.run import Run
from synthtrace.lineage.scripts import CODE, Coverage, Script, code_keys, expected_key, scripts

PROMISE = "today's fingerprints equal those that each stage ran with; every import of a stage is inside its closure"

# what `stage` lists among a process's sources and is no code of a stage: the parent that scripts are forked from, and the names
# that torch gives to modules without a file
NO_CODE = {"src/synthtrace/engine/server.py", "_classes.py", "_ops.py"}


def check(study: Run) -> Iterator[Finding]:
    """Judge fingerprints, their declaration and their coverage; see PROMISE."""
    today = _flat(fingerprints(study.repository, study.scripts))
    yield from _values(study, today)
    covered: list[tuple[str, Script, str]] = []
    for stage in study.declared.values():
        if any(PurePosixPath(out).name == CODE for out in stage.outs):
            continue  # it takes the fingerprints, and has none
        keys, found = code_keys(stage), scripts(study, stage)
        if not found:
            yield warn(f"stage {stage.name}: runs `{stage.cmd}`, which is no script whose code has a fingerprint", "dvc.yaml")
        for script in found:
            key = expected_key(study, script, keys)
            if key not in keys:
                yield fail(
                    f"stage {stage.name}: runs {script.path} and declares {listed(keys) or 'no key'} of {CODE}, so an edit of "
                    f"its code may re-run nothing; expected {key or f'a script in {study.scripts}/, which has a key'}",
                    "dvc.yaml",
                )
            elif key in today:
                covered.append((stage.name, script, key))
    yield from _imports(study, covered)


def _values(study: Run, today: dict[str, str]) -> Iterator[Finding]:
    """The fingerprints that code.json and dvc.lock hold against today's; of evidence, dvc.lock against its own code.json."""
    held: dict[tuple[str, str], list[str]] = defaultdict(list)
    kept = _flat(study.code)
    for key, value in kept.items():
        held[key, value].append(CODE)
    for name, stage in study.lock.items():
        for file, values in stage.params.items():
            if Path(file).name == CODE:
                for key, value in _flat(values).items():
                    held[key, value].append(name)
    if study.evidence:
        changed = [key for key, value in kept.items() if today.get(key) != value]
        if changed:
            yield warn(f"the code has changed since: {len(changed)} of {len(kept)} fingerprints, those of {listed(changed)}")
    expected, source = (kept, CODE) if study.evidence else (today, "today's code")
    for (key, value), places in held.items():
        if value != expected.get(key):
            yield fail(
                f"{key}: {source} gives the fingerprint {expected.get(key, 'none')[:12]}, but {value[:12]} stands in "
                f"{listed(places)}",
                CODE if CODE in places else "dvc.lock",
            )
    if not study.evidence:
        for key in sorted(today.keys() - kept.keys()):
            yield fail(f"{key}: {CODE} has no fingerprint of it, and today's code has; run `dvc repro fingerprint`", CODE)


def _imports(study: Run, covered: list[tuple[str, Script, str]]) -> Iterator[Finding]:
    """Files of the project that a stage imports, by its text or by what its processes loaded, outside its closure."""
    coverage = Coverage(study.repository)
    outside: dict[str, list[str]] = defaultdict(list)
    unknown = []
    for name, script, key in covered:
        files = coverage.files(script.path, key)
        loaded, complete = _loaded(study, name)
        if not complete:
            unknown.append(name)
        for path in sorted((coverage.strangers(script.path, key) | loaded) - files):
            if not _foreign(study.repository, path):
                outside[path].append(name)
    tell = warn if study.evidence else fail
    for path, stages in outside.items():
        yield tell(
            f"{path}: loaded by {listed(stages)}, but outside the import closure that the fingerprint covers, so an edit "
            "re-runs nothing; import it by name, from src/synthtrace",
            path,
        )
    if unknown:
        yield warn(f"no record lists the project's files that were loaded by {listed(unknown)}", "records")


def _loaded(study: Run, name: str) -> tuple[set[str], bool]:
    """The project's files that the processes behind a stage's outs had loaded, and whether a record says so of every out."""
    found: set[str] = set()
    complete = True
    for digest in study.lock[name].outs.values() if name in study.lock else ():
        record = study.record(name, digest) or {}
        if isinstance(sources := record.get("sources"), list):
            found |= {str(path) for path in sources}
        else:
            complete = False
    return found, complete


def _foreign(repository: Path, path: str) -> bool:
    """Whether a loaded path is no code of the project: see NO_CODE, or part of a Python environment in the folder."""
    if path in NO_CODE:
        return path.startswith("src/") or not (repository / path).exists()
    return any((repository / parent / mark).exists() for parent in Path(path).parents for mark in ("pyvenv.cfg", "conda-meta"))


def _flat(tree: Mapping[str, Any]) -> dict[str, str]:
    """Fingerprints by key as dvc.yaml writes it: `script` or `script.kind`."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        kinds = {f"{key}.{kind}": one for kind, one in value.items()} if isinstance(value, dict) else {key: value}
        flat |= {name: str(one) for name, one in kinds.items()}
    return flat
