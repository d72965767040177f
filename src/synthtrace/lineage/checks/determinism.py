"""The same inputs gave the same outputs, whenever a stage ran."""

from collections.abc import Iterator
from typing import Any

from synthtrace.lineage.findings import Finding, SkippedError, fail, note
from synthtrace.lineage.pipeline import Locked, locked, read_yaml
from synthtrace.lineage.run import Run

PROMISE = "DVC's run cache holds one result for each command with its deps and parameters"

SHA256 = 64  # hex digits of a key and of a result's name


def check(study: Run) -> Iterator[Finding]:
    """Read the run cache, `runs/<xx>/<key>/<result>`: a key is a command with the digests and parameters that it ran on."""
    folder = study.cache.parents[1] / "runs"
    keys = sorted(path for path in folder.glob("*/*") if path.is_dir())
    if not keys:
        raise SkippedError(f"{study.shown(folder)}: no run cache; expected one where stages ran")
    for key in keys:
        results = {}
        for file in sorted(file for file in key.iterdir() if len(file.name) == SHA256):
            tree = read_yaml(file)
            if file.name != _name(tree):
                yield fail(f"{study.shown(file)}: its content is not what its name says; remove it before DVC hands it out")
            results[file.name] = locked("of the run cache", tree, file)
        yield from _differing(study.shown(key), list(results.values()))
    yield note(f"{len(keys)} keys in {study.shown(folder)}")


def _name(tree: dict[str, Any]) -> str:
    """What DVC calls a result of this content."""
    from dvc.utils import dict_sha256

    return str(dict_sha256(tree, exclude=["size", "nfiles"]))


def _differing(key: str, results: list[Locked]) -> Iterator[Finding]:
    outs = sorted({out for result in results for out in result.outs})
    digests = {out: sorted({result.outs.get(out, "nothing") for result in results}) for out in outs}
    differing = {out: found for out, found in digests.items() if len(found) > 1}
    if differing:
        said = "; ".join(f"{out} as {' and as '.join(found)}" for out, found in differing.items())
        yield fail(
            f"`{results[0].cmd}` gave, on the same deps and parameters, {said}: find what varies (an unseeded draw, the "
            f"device, bytes taken by `dvc commit`), then remove {key}",
            next(iter(differing)),
        )
