"""The walk back through dvc.lock: what each stage read, who made it, and whether the digests of reader and maker agree."""

from dataclasses import dataclass

from synthtrace.lineage.listings import Listing, gathered, listing, part
from synthtrace.lineage.pipeline import producers, within
from synthtrace.lineage.run import Run

GATES = "data/gates/"


@dataclass(frozen=True)
class Read:
    """A dep of a stage: its path, the digest it was read with, and the (stage, out) pairs that made it; none: a source."""

    path: str
    digest: str
    makers: list[tuple[str, str]]


def reads(study: Run, stage: str) -> list[Read]:
    """The deps of a stage, in the lock's order."""
    return [Read(path, digest, producers(study.lock, path)) for path, digest in study.lock[stage].deps.items()]


def code_makers(study: Run, stage: str) -> list[str]:
    """Stages that write parameter files which a stage reads: the fingerprint of its code."""
    return list(dict.fromkeys(name for file in study.lock[stage].params for name, _ in producers(study.lock, file)))


def is_gate(study: Run, stage: str) -> bool:
    """Whether a stage judges data and hands none on."""
    return any(out.startswith(GATES) for out in study.lock[stage].outs)


def recorded(study: Run, path: str, makers: list[tuple[str, str]]) -> str | None:
    """The digest that the makers of a path left in the lock for it, be it an out, a part of one or a folder of several.

    None when a folder's listing is needed and neither cache nor workspace holds it, or when the out holds no such part.
    """
    parts: dict[str, Listing] = {}
    for stage, out in makers:
        digest = study.lock[stage].outs[out]
        if path == out:
            return digest
        files = listing(study, out, digest)
        if files is None:
            return None
        if within(path, out):
            return part(files, path.removeprefix(f"{out}/"))
        parts[out] = files
    return gathered(path, parts) if parts else None


def recorded_source(study: Run, path: str) -> str | None:
    """The digest with which stages read a source, or the part of it that a path is; None when no listing tells."""
    for stage in study.lock.values():
        for dep, digest in stage.deps.items():
            if path == dep:
                return digest
            if within(path, dep):
                return part(listing(study, dep, digest) or {}, path.removeprefix(f"{dep}/"))
    return None


def walk(study: Run, roots: list[str], narrowed: dict[str, list[str]] | None = None) -> list[str]:
    """Names of the stages that the roots come from, the roots among them, nearest first.

    `narrowed` gives, for a folder dep, the outs in it that matter: the walk then leaves out what made its others, and ends
    at gates, which judge data and make none.
    """
    found = dict.fromkeys(roots)
    waiting = list(roots)
    while waiting:
        name = waiting.pop(0)
        if narrowed is not None and is_gate(study, name) and name not in roots:
            continue
        above = [
            maker
            for read in reads(study, name)
            for maker, out in read.makers
            if narrowed is None or read.path not in narrowed or out in narrowed[read.path]
        ]
        for maker in [*above, *code_makers(study, name)]:
            if maker not in found:
                found[maker] = None
                waiting.append(maker)
    return list(found)
