"""report/lineage.html: a page to click from a number through predictions, pool, image and checkpoint to the patients."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from synthtrace.cards import CARD
from synthtrace.errors import InputError
from synthtrace.lineage.checkpoints import checkpoint_folders
from synthtrace.lineage.page.figures import figures
from synthtrace.lineage.page.pools import pools, real_images
from synthtrace.lineage.pipeline import producer
from synthtrace.lineage.study import Study
from synthtrace.lineage.trace.counts import CROP_MARK, DRAWN, counts, read_drawn
from synthtrace.lineage.trace.image import describe_file
from synthtrace.lineage.trace.rests import PREDICTIONS
from synthtrace.lineage.trace.target import SUMMARY, numbers
from synthtrace.lineage.trace.trace import describe_stages, missing, sources
from synthtrace.report.page import TEMPLATES as REPORT

Plain = dict[str, Any]
PAGE = "report/lineage.html"
TEMPLATES = Path(__file__).parent / "templates"


def write_page(study: Study) -> str:
    """Write the page of a study that lies in the workspace, whole or not at all; returns one sentence on it.

    Raises InputError when a table or an image that it shows is missing or unreadable.
    """
    if study.evidence:
        raise InputError("--page: evidence in results/ holds no images; expected a study in the workspace")
    content = gather(study)
    text = render(content)
    target = study.root / PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_suffix(".html.part")
    half.write_text(text, encoding="utf-8")
    half.replace(target)
    shown = sum(len(pool["rows"]) for pool in content["pools"])
    kept = sum(pool["counts"]["kept"] for pool in content["pools"])
    return f"{study.shown(target)}: {shown} of {kept} kept images, {len(text.encode()) / 1e6:.1f} MB"


def render(content: Plain) -> str:
    """The page as HTML; what `gather` returned stands in it as JSON."""
    folders = [TEMPLATES, REPORT]
    environment = Environment(
        loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # `<` must not end the element that the data stand in
    data = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return environment.get_template("lineage.html.j2").render(study=content["study"], data=data)


def gather(study: Study) -> Plain:
    """All that the page shows; stages, sources and notes are as in `trace.trace`, checkpoints as in `describe_file`."""
    notes: list[str] = []
    stages = describe_stages(study, list(study.lock), notes)
    shown = pools(study)
    return {
        "study": _study(study),
        "numbers": numbers(study, SUMMARY),
        "figures": figures(study),
        "predictions": {name: _predictions(study, name) for name in study.scenarios},
        "pools": shown,
        "real": real_images(study, shown),
        "checkpoints": _checkpoints(study, notes),
        "stages": stages,
        "sources": sources(study, list(study.lock), notes),
        "notes": notes + missing(study, stages),
    }


def _study(study: Study) -> Plain:
    dataset = study.params.dataset
    return {
        "name": "phantom" if dataset.kind == "phantom" else Path(dataset.path).name,
        "labels": list(dataset.labels),
        "patient_ids": dataset.patient_ids != "none",
        "mixing_rate": study.params.mixing_rate,
        "patients": int(study.manifest["patient_id"].nunique()),
        "images": len(study.manifest),
        "folds": counts(study, "data/folds/folds.csv")["folds"],
        "tested": {
            str(patient): sorted({int(fold) for fold in rows["fold"]})
            for patient, rows in study.folds[study.folds["role"] == "test"].groupby("patient_id")
        },
        "summary": SUMMARY,
    }


def _predictions(study: Study, scenario: str) -> Plain:
    """A scenario's predictions table, in which folds its classifiers drew a patient, and what was mixed in, by fold."""
    path, folder = f"{PREDICTIONS}/{scenario}.parquet", f"data/classifiers/{scenario}"
    made = producer(study.lock, path)
    drawn = read_drawn(study.path(folder) / DRAWN)
    others = drawn[~drawn["image_id"].isin(study.manifest["image_id"])]
    owners = dict(zip(study.manifest["image_id"], study.manifest["patient_id"], strict=True))
    whose = drawn["image_id"].str.split(CROP_MARK).str[0].map(owners)
    return {
        "path": path,
        "stage": made and made[0],
        "counts": counts(study, path),
        "classifiers": counts(study, folder),
        "drew": {str(patient): sorted({int(fold) for fold in rows["fold"]}) for patient, rows in drawn.groupby(whose)},
        "mixed_in": {str(fold): int(rows["image_id"].nunique()) for fold, rows in others.groupby("fold")},
    }


def _checkpoints(study: Study, notes: list[str]) -> dict[str, Plain]:
    """Cards of all models that saw images, by folder, with the stage that trained them and the output that holds them."""
    return {
        folder: (describe_file(study, folder, notes) or {}) | {"stage": name, "out": out}
        for name, stage in study.lock.items()
        for out in stage.outs
        for folder in checkpoint_folders(study, out)
        if (study.path(folder) / CARD).is_file()
    }
