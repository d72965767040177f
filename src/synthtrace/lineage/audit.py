"""Run the checks and say what they found."""

import importlib
import time
from collections.abc import Iterator

from synthtrace.errors import InputError
from synthtrace.lineage.findings import Outcome, SkippedError, fail, note, status_of
from synthtrace.lineage.run import Run

# id -> "module:function", resolved late: a check's libraries load only when it runs
CHECKS = {
    "bytes": "synthtrace.lineage.checks.bytes:check",
    "closure": "synthtrace.lineage.checks.closure:check",
    "pipeline": "synthtrace.lineage.checks.pipeline:check",
    "code": "synthtrace.lineage.checks.code:check",
    "environment": "synthtrace.lineage.checks.environment:check",
    "folds": "synthtrace.lineage.checks.folds:check",
    "ledger": "synthtrace.lineage.checks.ledger:check",
    "replay": "synthtrace.lineage.checks.replay:check",
    "numbers": "synthtrace.lineage.checks.numbers:check",
    "gates": "synthtrace.lineage.checks.gates:check",
    "determinism": "synthtrace.lineage.checks.determinism:check",
    "memorisation": "synthtrace.lineage.checks.memorisation:check",
}
# of them, those that a study has its own of
OWN = {
    "segmentation": {
        name: f"synthtrace.lineage.segmentation.checks.{name}:check" for name in ("folds", "ledger", "memorisation")
    }
}
# what evidence alone, without data and cache, can be asked
OF_EVIDENCE = ["closure", "pipeline", "code", "environment", "folds", "numbers"]


def chosen(names: list[str], evidence: bool = False) -> list[str]:
    """The ids of the checks to run, in their order; raises InputError for one that does not exist or does not apply."""
    there = OF_EVIDENCE if evidence else list(CHECKS)
    for name in names:
        if name not in there:
            raise InputError(f"CHECK: no check {name!r} {'for evidence ' if evidence else ''}here; expected {', '.join(there)}")
    return [name for name in there if not names or name in names]


def audit(study: Run, names: list[str]) -> Iterator[Outcome]:
    """Run the named checks one by one. An error in a check is a finding of it, and the others go on."""
    for name in names:
        module, function = (CHECKS | OWN.get(study.name, {}))[name].split(":")
        found = importlib.import_module(module)
        started = time.perf_counter()
        try:
            findings = list(getattr(found, function)(study))
            status = status_of(findings)
        except SkippedError as skipped:
            findings, status = [note(str(skipped))], "skip"
        except InputError as error:
            findings, status = [fail(str(error))], "fail"
        except Exception as error:  # damage that nobody foresaw must not hide what the other checks find
            findings, status = [fail(f"could not be judged: {type(error).__name__}: {error}")], "fail"
        yield Outcome(name, found.PROMISE, status, findings, time.perf_counter() - started)
