"""Environment: the packages, device, threads and determinism under which each stage ran, as its records tell."""

import importlib.metadata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from synthtrace.fingerprint.packages import NUMERIC
from synthtrace.lineage.findings import Finding, fail, listed, note, warn
from synthtrace.lineage.pipeline import PARAMS
from synthtrace.lineage.requirements import Requirements, agree, named, of_the_run, todays
from synthtrace.lineage.run import Run
from synthtrace.lineage.scripts import Coverage, code_keys, expected_key, scripts

PROMISE = "what ran (records/) is what requirements.lock says; device and determinism flags known"

OWN = {"synthtrace"}
COMPUTES, SETS_UP = "compute.device", "src/synthtrace/compute.py"
# a checkpoint that is taken as it is: nothing is computed
TAKEN = "autoencoder.pretrained"


class Recorded(NamedTuple):
    """A record of one of a stage's outs."""

    stage: str
    record: dict[str, Any]


def check(study: Run) -> Iterator[Finding]:
    """Judge the records of all outs in dvc.lock; see PROMISE."""
    now = todays(study)
    ran = of_the_run(study) if study.evidence else now
    found = {(name, digest): study.record(name, digest) for name, stage in study.lock.items() for digest in stage.outs.values()}
    runs = [Recorded(name, record) for (name, _), record in found.items() if record is not None]
    if untold := [name for (name, _), record in found.items() if record is None]:
        yield warn(f"no record tells how these stages' outs were made: {listed(untold)}", "records")
    yield from _versions(study, runs, ran or now, known=ran is not None)
    yield from _devices(study, runs)
    for fact in ("device", "threads", "python"):
        yield from _mixed(runs, fact)
    yield from _today(study, now, ran)


def _versions(study: Run, runs: list[Recorded], lock: Requirements, known: bool) -> Iterator[Finding]:
    """Recorded versions against the lock's: of a package that the stage computes with, another version breaks the promise."""
    computes = _computes_with(study)
    differing: dict[tuple[str, str, str, bool], list[str]] = defaultdict(list)
    builds: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    absent: set[str] = set()
    beyond: set[str] = set()
    for run in runs:
        found = named(run.record.get("packages"))
        wanted = lock.versions(str(run.record.get("python", "")), str(run.record.get("platform", "")))
        beyond |= {f"{name} {version}" for name, version in found.items() if name not in wanted and name not in OWN}
        for name, version in wanted.items():
            matters = name in computes[run.stage]
            if name in found and agree(version, found[name]):
                builds[name][found[name]].append(run.stage)
            elif name in found or matters:
                differing[name, found.get(name, "none"), version, matters].append(run.stage)
            else:
                absent.add(name)
    for (name, version, locked, matters), stages in differing.items():
        use = "ran and compute with it" if matters else "ran beside it and do not compute with it"
        tell = fail if matters and known else warn
        yield tell(f"{name} {version} in the records, {locked} in {lock.source}: {listed(stages)} {use}", "records")
    for name, versions in builds.items():
        if len(versions) > 1:
            yield warn(f"{name}: stages ran with several builds of one version ({_shares(versions)})", "records")
    if absent:
        yield note(f"in {lock.source} and not installed when stages ran: {listed(sorted(absent))}")
    if beyond:
        yield note(f"installed when stages ran and not in {lock.source}: {listed(sorted(beyond))}")


def _computes_with(study: Run) -> dict[str, set[str]]:
    """The numeric packages that each stage's code imports; all of them where its code cannot be followed."""
    coverage = Coverage(study.repository)
    result = {}
    for name in study.lock:
        stage = study.declared[name]
        keys = [(script, expected_key(study, script, code_keys(stage))) for script in scripts(study, stage)]
        found = [coverage.packages(script.path, key) for script, key in keys if key]
        result[name] = set().union(*found) if keys and len(found) == len(keys) else set(NUMERIC.values())
    return result


def _devices(study: Run, runs: list[Recorded]) -> Iterator[Finding]:
    """Device, threads and determinism of the stages that compute: with `compute.device` as a parameter, and set up by it."""
    unknown: dict[str, list[str]] = defaultdict(list)
    wrong: dict[str, list[str]] = defaultdict(list)
    loose = []
    for run in runs:
        asked = study.lock[run.stage].params.get(PARAMS, {})
        sources = run.record.get("sources")
        if COMPUTES not in asked or asked.get(TAKEN) or (isinstance(sources, list) and SETS_UP not in sources):
            continue
        for fact in ("device", "deterministic", "threads"):
            if run.record.get(fact) is None:
                unknown[fact].append(run.stage)
        device, threads = run.record.get("device"), run.record.get("threads")
        if device and asked[COMPUTES] != "auto" and (asked[COMPUTES] == "cpu") != (device == "cpu"):
            wrong[f"compute.device is {asked[COMPUTES]} in dvc.lock, and the device was {device}"].append(run.stage)
        wanted = asked.get("compute.threads", threads)
        if threads is not None and threads != wanted:
            wrong[f"compute.threads is {wanted} in dvc.lock, and {threads} were recorded"].append(run.stage)
        if run.record.get("deterministic") is False:
            loose.append(run.stage)
    for fact, stages in unknown.items():
        yield warn(f"the records do not tell `{fact}` of {listed(stages)}", "records")
    for what, stages in wrong.items():
        yield fail(f"{what}: {listed(stages)}", "records")
    if loose:
        yield warn(f"algorithms that may differ from run to run were allowed in {listed(loose)}", "records")
    devices = sorted({str(run.record["device"]) for run in runs if run.record.get("device")})
    if devices:
        yield note(
            f"{len({run.stage for run in runs})} stages have records; those that train or sample ran on {listed(devices)}"
        )


def _mixed(runs: Iterable[Recorded], fact: str) -> Iterator[Finding]:
    """Items of one stage that ran under different circumstances."""
    kinds: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run.record.get(fact) is not None:
            kinds[run.stage.partition("@")[0]][str(run.record[fact])].append(run.stage)
    for kind, values in kinds.items():
        if len(values) > 1:
            yield warn(f"{kind}: its items ran with different values of `{fact}` ({_shares(values)})", "records")


def _today(study: Run, now: Requirements, ran: Requirements | None) -> Iterator[Finding]:
    """The packages of this process against today's lock; of evidence, today's lock against the one that it ran with."""
    wanted = now.versions()
    here = named({item.name: item.version for item in importlib.metadata.distributions() if item.name})
    other = [f"{name} {here[name]} ({wanted[name]})" for name in wanted if name in here and not agree(wanted[name], here[name])]
    if other:
        yield warn(f"{len(other)} packages installed here are not those of {now.source} (in brackets): {listed(other)}")
    if study.evidence and ran is None:
        yield warn("the requirements.lock that dvc.lock names is not in Git's history; compared with today's instead")
    elif study.evidence and ran is not None:
        before = ran.versions()
        changed = [
            f"{name} {before[name]} ({wanted[name]})" for name in before if wanted.get(name, before[name]) != before[name]
        ]
        if changed:
            yield warn(f"{len(changed)} packages are locked in other versions today (in brackets): {listed(changed)}")


def _shares(values: dict[str, list[str]]) -> str:
    return "; ".join(f"{value}: {listed(stages, 3)}" for value, stages in values.items())
