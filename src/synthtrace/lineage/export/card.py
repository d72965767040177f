"""A data card: what the images are, where they come from, and what was measured of them, as plain data."""

import importlib.metadata
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthtrace.errors import InputError
from synthtrace.lineage.export.fidelity import fidelity_of
from synthtrace.lineage.export.pools import Pool, as_run
from synthtrace.lineage.run import read_json
from synthtrace.lineage.study import Study

NOT_MEASURED = "not measured"
UNDECLARED = {
    "name": "no licence declared",
    "url": None,
    "text": "No licence was declared with this export, so nothing is permitted until the owner of the data permits it.",
}
INTENDED_USE = (
    "For research on training classifiers of the same classes with additional images. Of the study's patients, the generator "
    "behind the images of fold k saw only those that train in fold k: score what was trained with them on other patients."
)
LIMITS = (
    "Not for diagnosis, and no evidence of how a disease looks: a label says what the generator was asked for, or which "
    "patient's map guided it, and no physician has confirmed it. The search for copies finds images near to a training image; "
    "it does not prove that nothing about a patient can be inferred, which whoever passes the images on has to judge."
)
SUMMARY = "metrics/summary.json"


@dataclass(frozen=True)
class Commit:
    """The Git commit exported from, and its date (UTC, YYYY-MM-DD); no digest when dvc.lock is not what it holds."""

    digest: str | None
    date: str


def commit_of(study: Study) -> Commit:
    """The last commit of the study's repository: dates of an export are its, so that the same study gives the same bytes.

    Raises InputError outside Git.
    """

    def git(*command: str) -> str | None:
        done = subprocess.run(
            ["git", *command], cwd=study.root, env={**os.environ, "TZ": "UTC"}, capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    last = git("log", "-1", "--date=format-local:%Y-%m-%d", "--format=%H %cd")
    if not last:
        raise InputError(f"{study.root}: no Git commit here; an export is dated by the commit that it is made from")
    digest, date = last.split()
    held = (
        git("ls-files", "--error-unmatch", "dvc.lock") is not None
        and git("diff", "--quiet", "HEAD", "--", "dvc.lock") is not None
    )
    return Commit(digest if held else None, date)


def licence_of(declared: str | None) -> dict[str, Any]:
    """Name, URL and words of a licence from its SPDX identifier or URL; without either, that none was declared."""
    if declared is None:
        return UNDECLARED
    if re.fullmatch(r"https?://\S+", declared):
        return {"name": declared, "url": declared, "text": f"Licensed under {declared}."}
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        name = str(canonicalize_license_expression(declared))
    except InvalidLicenseExpression:
        name = ""
    if not re.fullmatch(r"[\w.+-]+", name) or name.startswith("LicenseRef-"):
        raise InputError(
            f"--licence: found {declared!r}; expected one SPDX identifier, such as CC-BY-4.0, or the licence's URL"
        )
    return {"name": name, "url": f"https://spdx.org/licenses/{name}", "text": f"Licensed under {name}."}


def public_name(path: str) -> str:
    """A path as a stranger may see it: a place outside the repository is told by its last part alone."""
    parts = Path(path).parts
    return Path(path).name if Path(path).is_absolute() or ".." in parts or "~" in parts else path


def data_card(study: Study, pools: list[Pool], licence: dict[str, Any], commit: Commit) -> dict[str, Any]:
    """The card of the chosen pools. Ids of patients and of real images are counted, never told."""
    parameters = _parameters(study, pools)
    dataset = ran_with(study, "ingest")
    source, classes = Path(dataset["dataset.path"]).name, dataset["dataset.labels"]
    kinds = list(dict.fromkeys(pool.kind for pool in pools))
    return {
        "name": f"Synthetic images after {source}",
        "description": (
            f"{sum(len(pool.rows) for pool in pools)} synthetic images of the classes {', '.join(classes)}, drawn by "
            f"generators that were trained on the data set {source}. No real image is among them."
        ),
        "licence": licence,
        "date": commit.date,
        "commit": commit.digest,
        "software": {"name": "synthtrace", "version": importlib.metadata.version("synthtrace")},
        "source": {
            "kind": dataset["dataset.kind"],
            "name": source,
            "classes": classes,
            "patients": "simulated" if dataset["dataset.kind"] == "phantom" else "real",
        },
        "intended_use": INTENDED_USE,
        "limits": LIMITS,
        "images": {
            "side_in_pixels": parameters["preprocess.image_size"],
            "channels": parameters["preprocess.channels"],
            "candidates": sum(pool.candidates for pool in pools),
            "copies_dropped": sum(pool.copies["copies"] for pool in pools),
            "kept": sum(len(pool.rows) for pool in pools),
        },
        "fidelity": fidelity_of(study, pools) or NOT_MEASURED,
        "classification": {kind: _classification(study, kind) for kind in kinds},
        "parameters": parameters,
        "pools": {pool.name: _pool(study, pool) for pool in pools},
    }


def ran_with(study: Study, stage: str) -> dict[str, Any]:
    """Values of params.yaml that a stage ran with, by dvc.lock: today's file may say otherwise."""
    if stage not in study.lock:
        raise InputError(f"{study.root / 'dvc.lock'}: no stage {stage!r}; expected a study that has run (`synthtrace repro`)")
    return study.lock[stage].params.get("params.yaml", {})


def _pool(study: Study, pool: Pool) -> dict[str, Any]:
    dataset = ran_with(study, "ingest")
    known = dataset["dataset.patient_ids"] != "none"
    code: dict[str, Any] = {}
    for script in ("train_generator", "sample", "score_candidates", "select"):
        code |= study.lock[pool.stage(script)].params.get("code.json", {})
    copies = pool.copies
    return {
        "generator": pool.kind,
        "fold": pool.fold,
        "training_patients": len(pool.generator["patient_ids"]) if known else "unknown: the data set has no patient ids",
        "training_images": len(pool.generator["image_ids"]),
        "candidates": pool.candidates,
        "kept": len(pool.rows),
        "kept_by_class": {
            name: int((pool.rows["label"] == label).sum()) for label, name in enumerate(dataset["dataset.labels"])
        },
        "conditioned_on_a_map_of_a_real_image": int(pool.rows["condition_image_id"].notna().sum()),
        "checkpoint": {"digest": pool.checkpoint, "weights": pool.generator["weights"]},
        "memorisation": {
            "candidates": copies["candidates"],
            "copies": copies["copies"],
            "training_images": copies["training_images"],
            "copied_training_images": copies["copied_training_images"],
            "threshold_pixels": copies["pixels"]["threshold"],
            "threshold_embedding": copies["embedding"]["threshold"],
        },
        "code": code,
    }


def _parameters(study: Study, pools: list[Pool]) -> dict[str, Any]:
    """What training, sampling and selection ran with, by dvc.lock; the same for all pools, or InputError."""
    found: dict[str, Any] = {}
    first: dict[str, str] = {}
    for pool in pools:
        for script in ("train_generator", "sample", "score_candidates", "select"):
            for key, value in ran_with(study, pool.stage(script)).items():
                if found.setdefault(key, value) != value:
                    raise InputError(
                        f"{pool.name}: made with {key} = {value}, but {first[key]} with {found[key]}; "
                        "bring the study up to date or export them apart (--pool)"
                    )
                first.setdefault(key, pool.name)
    return dict(sorted(found.items()))


def _classification(study: Study, kind: str) -> dict[str, Any] | str:
    """AUC of classifiers trained with a kind's images, if it is these images that they were trained with."""
    chain = [
        (f"classify@{kind}", f"data/pools/{kind}"),
        (f"classify@{kind}", f"data/selected/{kind}"),
        (f"classify@{kind}", f"data/predictions/{kind}.parquet"),
        ("compare", "data/predictions"),
        ("compare", SUMMARY),
    ]
    if not all(as_run(study, stage, path) for stage, path in chain):
        return NOT_MEASURED
    summary = read_json(study.root / SUMMARY)
    found = summary["scenarios"][kind]
    return {
        "measure": "AUC by image on held-out patients, out of fold, mean over seeds; 95% interval by bootstrap of patients",
        "mixing_rate": summary["mixing_rate"],
        "patients": summary["patients"],
        "images": summary["images"],
        "seeds": summary["seeds"],
        "real_images_alone": _auc(summary["scenarios"]["real"]["auc_image"]),
        "with_synthetic_images": _auc(found["auc_image"]),
        "difference": {name: found["versus_real"][name] for name in ("difference", "ci95")},
    }


def _auc(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("mean", "ci95")}
