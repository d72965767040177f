"""Where a number, a file or a synthetic image comes from: the whole walk back to raw scans as plain JSON."""

from collections.abc import Iterable
from typing import Any

from synthtrace.errors import InputError
from synthtrace.lineage.leaves import Import, imported, imports, outside, tracked
from synthtrace.lineage.pipeline import PARAMS, Locked, read_yaml, within
from synthtrace.lineage.run import Run
from synthtrace.lineage.trace.counts import Counts, counts
from synthtrace.lineage.trace.image import describe_file, describe_image
from synthtrace.lineage.trace.rests import rests_on
from synthtrace.lineage.trace.target import Target, find_target
from synthtrace.lineage.trace.walk import Read, code_makers, is_gate, reads, recorded, recorded_source, walk
from synthtrace.lineage.trace.words import items_words

Plain = dict[str, Any]
CIRCUMSTANCES = ("commit", "wandb", "device", "deterministic", "threads", "started", "seconds", "python", "platform")


def trace(study: Run, text: str) -> Plain:
    """Trace a TARGET (see `target.find_target`, also for what it raises).

    Returns:
        - `target`: what is traced, as it may be typed again; `kind`: number, image or file.
        - `path`: the file or folder that it is or stands in; `made_by`: names of the stages that made it, [] for a source.
        - `digest`: {"recorded", "found"}: DVC's digest of `path` in dvc.lock, and of its bytes now; null where unknown.
        - `value`: of a number; null where the summary could not compute it.
        - `image`: of a synthetic image, see `image.describe_image`.
        - `about`: of a file, what a card or a manifest says of it, see `image.describe_file`.
        - `focus`: names of the stages that the target rests on, nearest first. A number rests on less than its stage reads.
        - `rests_on`: the tables, or pools, that a number is computed from, where its stage reads more; else null.
        - `stages`: every stage upstream, by name, nearest first:
          `does`, `command`, `gate` (judges data and makes none);
          `deps`: [{"path", "digest", "from": [{"stage", "out"}], "agrees"}], `from` empty for a source; `agrees`: whether the
          maker's digest in the lock is the reader's, null where no listing of a folder's files is at hand;
          `outs`: [{"path", "digest", "counts"}], counts as in `counts.counts`;
          `params`: the lock's parameter values by key; `code`: fingerprints by key of code.json, `code_from` the stages that
          write it;
          `run`: {"commit", "wandb": {"id", "mode"}, "device", "deterministic", "threads", "started", "seconds", "python",
          "platform", "record"} from records/, each null where the stage records none; the whole null without a record.
        - `sources`: what no stage makes: [{"path", "digest", "kind": dvc, git, external or untracked, "file": its .dvc file or
          null, "read_by", "counts"}].
        - `notes`: sentences on what is missing or does not agree.

    Seeds are strings: they have 64 bits, which not every reader of JSON keeps.
    """
    target = find_target(study, text)
    notes: list[str] = []
    roots = list(dict.fromkeys(stage for stage, _ in target.makers))
    parts = rests_on(study, target)
    focus = walk(study, roots, parts)
    found: Plain = {
        "target": target.name,
        "kind": target.kind,
        "path": target.path,
        "made_by": roots,
        "digest": _digest(study, target, notes),
    }
    if target.kind == "number":
        found["value"] = target.value
    elif target.kind == "image":
        found["image"] = describe_image(study, target, notes)
    else:
        found["about"] = describe_file(study, target.path, notes)
    names = walk(study, roots)
    tables = None if parts is None else [out for outs in parts.values() for out in outs]
    found |= {"focus": focus, "rests_on": tables, "stages": describe_stages(study, names, notes)}
    found |= {"sources": sources(study, names or list(study.lock), notes, None if names else target.path), "notes": notes}
    notes += missing(study, found["stages"])
    return found


def describe_stages(study: Run, names: list[str], notes: list[str]) -> dict[str, Plain]:
    """The named stages as `trace` returns them; sentences on what does not agree are added to `notes`."""
    does = {name: stage.get("desc") for name, stage in (read_yaml(study.root / "dvc.yaml").get("stages") or {}).items()}
    found = {}
    for name in names:
        stage = study.lock[name]
        found[name] = {
            "does": does.get(name.split("@")[0]),
            "command": stage.cmd,
            "gate": is_gate(study, name),
            "deps": [_dep(study, name, read, notes) for read in reads(study, name)],
            "outs": [
                {"path": path, "digest": digest, "counts": counts_or_note(study, path, notes)}
                for path, digest in stage.outs.items()
            ],
            "params": _values(stage),
            "code": {
                key: value
                for file, values in stage.params.items()
                if file.endswith("code.json")
                for key, value in values.items()
            },
            "code_from": code_makers(study, name),
            "run": _run(study, stage, notes),
        }
    return found


def sources(study: Run, readers: list[str], notes: list[str], only: str | None = None) -> list[Plain]:
    """What stages read and none makes, as `trace` returns it; `only` restricts it to what holds that path."""
    found: dict[tuple[str, str], Plain] = {}
    known = imports(study)
    for name in readers:
        for read in reads(study, name):
            if not read.makers and (only is None or within(only, read.path)):
                entry = found.setdefault((read.path, read.digest), _source(study, read, known, notes))
                entry["read_by"].append(name)
    return list(found.values())


def _source(study: Run, read: Read, known: dict[str, Import], notes: list[str]) -> Plain:
    file = imported(known, read.path)
    kind = "external" if outside(study, read.path) else "git" if tracked(study, read.path) else "untracked"
    return {
        "path": read.path,
        "digest": read.digest,
        "kind": "dvc" if file else kind,
        "file": file.file if file else None,
        "read_by": [],
        "counts": counts_or_note(study, read.path, notes),
    }


def counts_or_note(study: Run, path: str, notes: list[str]) -> Counts:
    """Counts of a path; what cannot be read becomes a note."""
    try:
        return counts(study, path)
    except InputError as error:
        notes.append(f"not counted: {error}")
        return {}


def _dep(study: Run, reader: str, read: Read, notes: list[str]) -> Plain:
    agrees = None
    if read.makers:
        made = recorded(study, read.path, read.makers)
        agrees = None if made is None else made == read.digest
        if agrees is False:
            makers = ", ".join(_together(stage for stage, _ in read.makers))
            notes.append(f"{reader} read {read.path} with digest {read.digest}, but {makers} left it with {made}: bytes differ")
    makers_of = [{"stage": stage, "out": out} for stage, out in read.makers]
    return {"path": read.path, "digest": read.digest, "from": makers_of, "agrees": agrees}


def _together(stages: Iterable[str]) -> list[str]:
    """Names of stages, the items of each matrix as one."""
    groups: dict[str, dict[str, None]] = {}
    for name in stages:
        groups.setdefault(name.split("@")[0], {})[name] = None
    return [items_words(list(names)) for names in groups.values()]


def _values(stage: Locked) -> Plain:
    """Parameter values by key; those of a file other than params.yaml with the file's name in front."""
    return {
        key if file == PARAMS else f"{file}:{key}": value
        for file, values in stage.params.items()
        if not file.endswith("code.json")
        for key, value in values.items()
    }


def _run(study: Run, stage: Locked, notes: list[str]) -> Plain | None:
    """What a record tells of the run that made a stage's outs."""
    for digest in stage.outs.values():
        try:
            record = study.record(stage.name, digest)
        except InputError as error:
            notes.append(f"not read: {error}")
            continue
        if record:
            return {name: record.get(name) for name in CIRCUMSTANCES} | {
                "record": study.shown(study.records(stage.name) / f"{digest}.json")
            }
    return None


def _digest(study: Run, target: Target, notes: list[str]) -> dict[str, str | None]:
    """What the lock says of the target's path, and what its bytes say."""
    made = recorded(study, target.path, target.makers) if target.makers else recorded_source(study, target.path)
    try:
        found = study.digest(target.path)
    except OSError:
        found = None
    if found is None:
        notes.append(f"{target.path} is not in the workspace, so its bytes were not compared with dvc.lock")
    elif made is not None and made != found:
        notes.append(f"{target.path} has digest {found}, but dvc.lock stands for {made}: what follows tells of other bytes")
    elif made is None:
        notes.append(f"{target.path}: no listing at hand says which bytes dvc.lock stands for")
    return {"recorded": made, "found": found}


def missing(study: Run, stages: dict[str, Plain]) -> list[str]:
    """Sentences on outs that do not lie in the workspace and on stages without a record."""
    outs = [out["path"] for stage in stages.values() for out in stage["outs"]]
    absent = [path for path in outs if not study.path(path).exists()]
    without = [name for name, stage in stages.items() if stage["run"] is None]
    found = []
    if absent and study.evidence:
        found.append(f"evidence keeps no data: nothing was counted in {len(absent)} of {len(outs)} outs")
    elif absent:
        found.append(f"{len(absent)} of {len(outs)} outs are not in the workspace (`dvc pull` brings them): not counted")
    if without:
        found.append(
            f"{len(without)} of {len(stages)} stages have no record of their run (commit, device, W&B): "
            "records/ stays on the machine that ran them"
        )
    return found
