"""Gates: the data that each verdict judged are the data that went on, and its suite is the one that the code has today."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from synthtrace.errors import InputError
from synthtrace.lineage.findings import Finding, SkippedError, fail, listed, note, warn
from synthtrace.lineage.hashing import folder_digest
from synthtrace.lineage.pipeline import Locked, producers, within
from synthtrace.lineage.run import Run, read_object

PROMISE = "each gate's pass names the digest of the data that went on; the verdict was made with today's suite"

PASSES, VERDICTS, SUITES = "data/gates", "metrics/quality", "synthtrace.quality.suites"


def check(study: Run) -> Iterator[Finding]:
    """Judge the verdict and the pass file of each gate that dvc.yaml declares; see PROMISE."""
    gates = {
        PurePosixPath(out).stem: name
        for name, stage in study.declared.items()
        for out in stage.outs
        if within(out, PASSES) and name in study.lock
    }
    if not gates:
        raise SkippedError(f"no stage that has run writes a pass file below {PASSES}")
    for gate, stage in gates.items():
        try:
            yield from _gate(study, gate, stage)
        except InputError as error:
            yield fail(f"gate {gate}: {error}", f"{VERDICTS}/{gate}.json")
    yield note(f"{len(gates)} gates: {listed(gates)}")


def _gate(study: Run, gate: str, stage: str) -> Iterator[Finding]:
    path = f"{VERDICTS}/{gate}.json"
    verdict = read_object(study.root / path)
    judged = verdict.get("judged")
    if not isinstance(judged, dict) or not judged:
        yield fail(f"gate {gate}: expected `judged`, the digests of the data by path, in {path}; found {judged!r}", path)
        return
    held = _data(study, gate, stage, judged)
    for problem in (*_passed(verdict), *held, *_unjudged(study, stage, judged), *_went_on(study, gate, judged)):
        yield fail(f"gate {gate}: {problem}", path)
    for problem in _pass_file(study, gate, stage, verdict):
        yield fail(f"gate {gate}: {problem}", f"{PASSES}/{gate}.json")
    yield from _suite(study, gate, verdict)


def _passed(verdict: dict[str, Any]) -> Iterator[str]:
    """A verdict that passes, and may: no expectation of severity `error` failed, and `data` stands for what was judged."""
    from synthtrace.quality.gate import json_digest

    if verdict.get("pass") is not True:
        yield f"its verdict has pass: {verdict.get('pass')!r}; expected true"
    items = verdict.get("expectations")
    expectations = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    if not expectations:
        yield "its verdict lists no expectations"
    if broken := [str(item.get("name")) for item in expectations if item.get("severity") == "error" and not item.get("pass")]:
        yield f"its verdict lists failed expectations: {listed(broken)}"
    expected = json_digest(verdict["judged"])
    if verdict.get("data") != expected:
        yield f"its verdict has data: {str(verdict.get('data'))[:12]}; expected {expected[:12]}, the digest of `judged`"


def _data(study: Run, gate: str, stage: str, judged: dict[str, str]) -> Iterator[str]:
    """The judged digests against today's bytes and what dvc.lock says was made, was read by the gate and by those behind it."""
    readers = [study.lock[stage], *_behind(study, gate)]
    for path, digest in judged.items():
        others: dict[str, list[str]] = defaultdict(list)
        if not study.evidence:
            others[_today(study, path)].append("today")
        for made in study.lock.values():
            if path in made.outs:
                others[made.outs[path]].append(f"as {made.name} made it")
        for reader in readers:
            if path in reader.deps:
                others[reader.deps[path]].append(f"as {reader.name} read it")
        for other, places in others.items():
            if other != digest:
                yield f"judged {path} as {str(digest)[:12]}, but it is {other[:12]} {listed(places)}"


def _behind(study: Run, gate: str) -> list[Locked]:
    return [stage for stage in study.lock.values() if f"{PASSES}/{gate}.json" in stage.deps]


def _today(study: Run, path: str) -> str:
    try:
        return study.digest(path)
    except OSError:
        return "missing"


def _unjudged(study: Run, stage: str, judged: dict[str, str]) -> Iterator[str]:
    """Outs that the gate's stage depends on, and that are in no judged path."""
    for dep in study.lock[stage].deps:
        inside = [out for _, out in producers(study.lock, dep) if within(out, dep)] or [dep]
        for out in dict.fromkeys(inside):
            if not any(within(out, path) or within(path, out) for path in judged):
                yield f"depends on {out} and did not judge it"


def _went_on(study: Run, gate: str, judged: dict[str, str]) -> Iterator[str]:
    """Parts of judged data, and folders around them, as the stages behind the gate read them: judged files and no others."""
    if study.evidence:
        return
    for stage in _behind(study, gate):
        for dep, digest in stage.deps.items():
            below = [path for path in judged if within(path, dep)]
            if dep in judged or not (below or any(within(dep, path) for path in judged)):
                continue
            today = _digest_of(study, dep, below) if below else _today(study, dep)
            if today != digest:
                yield f"{stage.name} read {dep} as {digest[:12]}, but what was judged there is {today[:12]}"


def _digest_of(study: Run, folder: str, paths: list[str]) -> str:
    """The digest that a folder has when it holds nothing but these paths."""
    try:
        entries = study.hasher.entries(study.path(folder))
    except OSError:
        return "missing"
    kept = {name for name in entries if any(within(f"{folder}/{name}", path) for path in paths)}
    return folder_digest({name: entries[name] for name in kept})


def _pass_file(study: Run, gate: str, stage: str, verdict: dict[str, Any]) -> Iterator[str]:
    """The pass file says what its verdict says; in evidence, which does not keep it, its digest in dvc.lock does."""
    path = f"{PASSES}/{gate}.json"
    expected = {"gate": gate, "data": verdict.get("data"), "pass": True}
    if not study.evidence:
        found = read_object(study.root / path)
        if found != expected:
            yield f"{path} passes {_data_of(found)}, its verdict {_data_of(verdict)}"
        return
    # as write_json of quality/gate.py writes it
    content = (json.dumps(expected, indent=2, ensure_ascii=False) + "\n").encode()
    outs = study.lock[stage].outs
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != outs.get(path):
        yield f"the digest of {path} in dvc.lock is not that of a pass of the data in the verdict"
    if study.digest(f"{VERDICTS}/{gate}.json") != outs.get(f"{VERDICTS}/{gate}.json"):
        yield f"{VERDICTS}/{gate}.json is not the one that dvc.lock recorded"


def _data_of(answer: dict[str, Any]) -> str:
    return f"data {str(answer.get('data'))[:12]} with {answer.get('pass')!r} at gate {answer.get('gate')!r}"


def _suite(study: Run, gate: str, verdict: dict[str, Any]) -> Iterator[Finding]:
    """The suite of a gate `pools-class` is that of `pools`."""
    from synthtrace.quality.gate import suite_digest

    name = gate.partition("-")[0]
    tell = warn if study.evidence else fail
    path = f"{VERDICTS}/{gate}.json"
    try:
        suites = study.suites(name)
    except InputError as error:
        yield tell(f"gate {gate}: today's suite cannot be made: {error}", path)
        return
    if suites is None:
        yield tell(f"gate {gate}: today's code has no suite {SUITES}.{name}", path)
        return
    today = suite_digest(suites)
    if verdict.get("suite") != today:
        yield tell(
            f"gate {gate}: was judged by suite {str(verdict.get('suite'))[:12]}, today's is {today[:12]}; run its stage again",
            path,
        )
