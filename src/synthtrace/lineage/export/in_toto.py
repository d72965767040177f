"""An in-toto Statement v1 with SLSA provenance v1: what was made, by which stages, out of what. It is not signed.

Subjects are the files that the other formats write for the same pools and licence, by the same names and digests. `md5` is of a
file's bytes; `dvcDirMd5` is DVC's digest of a folder: the md5 of its list of files and their md5.
"""

import json
from pathlib import Path
from typing import Any

from synthtrace.lineage.export.bundle import Bundle
from synthtrace.lineage.export.card import public_name
from synthtrace.lineage.pipeline import Locked, upstream

PREDICATE = "https://slsa.dev/provenance/v1"
# The stages of dvc.yaml, each with its command and parameters as dvc.lock records them: `externalParameters.stages`.
BUILD_TYPE = "urn:synthtrace:dvc-stages:v1"
# Whoever ran the pipeline, wherever: nobody vouches for the machine.
BUILDER = "urn:synthtrace:self-hosted"


def write(bundle: Bundle, path: Path) -> None:
    """Write the statement; raises ValueError when it is not one by the format's own rules, which would be a bug."""
    from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
    from in_toto_attestation.v1.statement import STATEMENT_TYPE_URI, Statement

    subjects = [{"name": file.name, "digest": {"sha256": file.sha256}} for file in bundle.files]
    predicate = _provenance(bundle)
    Statement([ResourceDescriptor(**subject).pb for subject in subjects], PREDICATE, predicate).validate()
    # not the message's own JSON, which has floats for integers
    tree = {"_type": STATEMENT_TYPE_URI, "subject": subjects, "predicateType": PREDICATE, "predicate": predicate}
    path.write_text(json.dumps(tree, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _provenance(bundle: Bundle) -> dict[str, Any]:
    lock = bundle.study.lock
    names: dict[str, None] = {}
    for pool in bundle.pools:
        last = pool.stage("select")
        names |= dict.fromkeys([last, *upstream(lock, last)])
    stages = [lock[name] for name in sorted(names)]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "pools": [pool.name for pool in bundle.pools],
                "stages": {stage.name: {"command": stage.cmd, "parameters": _parameters(stage)} for stage in stages},
            },
            "resolvedDependencies": _dependencies(bundle, stages),
        },
        "runDetails": {
            "builder": {"id": BUILDER, "version": {bundle.card["software"]["name"]: bundle.card["software"]["version"]}},
            **_runs(bundle, stages),
        },
    }


def _parameters(stage: Locked) -> dict[str, Any]:
    """Values of params.yaml; a place outside the repository by its last part alone."""
    found = stage.params.get("params.yaml", {})
    return {key: public_name(value) if isinstance(value, str) else value for key, value in found.items()}


def _dependencies(bundle: Bundle, stages: list[Locked]) -> list[dict[str, Any]]:
    """What the stages read, the code that they ran, and the generators' weights; sorted by name."""
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def add(name: str, algorithm: str, digest: str) -> None:
        found[name, digest] = {"name": name, "digest": {algorithm: digest}}

    for stage in stages:
        for path, digest in stage.deps.items():
            folder = digest.endswith(".dir")
            add(public_name(path), "dvcDirMd5" if folder else "md5", digest.removesuffix(".dir"))
        for key, digest in stage.params.get("code.json", {}).items():
            add(f"code.json:{key}", "sha256", digest)
    for pool in bundle.pools:
        for file, digest in pool.generator["weights"].items():
            add(f"data/generators/{pool.name}/{file}", "sha256", digest)
    if bundle.commit.digest:
        add("git", "gitCommit", bundle.commit.digest)
    return [found[key] for key in sorted(found)]


def _runs(bundle: Bundle, stages: list[Locked]) -> dict[str, Any]:
    """Weights & Biases runs of the stages, where records/ tells them."""
    found = []
    for stage in stages:
        for digest in stage.outs.values():
            record = bundle.study.record(stage.name, digest)
            if record and "wandb" in record:
                found.append({"name": f"W&B run of {stage.name}", "annotations": {"id": record["wandb"]["id"]}})
                break
    return {"byproducts": found} if found else {}
