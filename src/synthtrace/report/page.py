"""The report page: gathers what the stages before it wrote and lays it into one HTML file that needs no other."""

from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from synthtrace.params import Params
from synthtrace.report.answer import caveat, change, judge, scenario, sentence
from synthtrace.report.baselines import sentences
from synthtrace.report.charts import plots, results, scenario_order
from synthtrace.report.curve import METRICS, curves
from synthtrace.report.dag import diagram
from synthtrace.report.explanations import explanations
from synthtrace.report.fidelity import fidelity
from synthtrace.report.formats import FILTERS
from synthtrace.report.gates import read_gates
from synthtrace.report.pictures import gallery, tally
from synthtrace.report.pipeline import inputs, read_pipeline
from synthtrace.report.reading import read_json
from synthtrace.report.statistics_words import in_words
from synthtrace.report.ways import ways
from synthtrace.tables import read_folds, read_manifest

TEMPLATES = Path(__file__).parent / "templates"


def build_page(root: Path, params: Params) -> str:
    """The whole page as HTML, from a workspace folder whose stages before the report have run.

    The same files and parameters give the same text: no time, host or run id enters it. Raises InputError when a file that
    it needs is missing or unreadable.
    """
    root = Path(root)
    crops = read_manifest(root / "data/crops")
    folds = read_folds(root / "data/folds/folds.csv")
    summary = read_json(root / "metrics/summary.json")
    curve = read_json(root / METRICS)
    stages = read_pipeline(root / "dvc.yaml", params.model_dump())
    kinds, labels = params.generator.kinds, params.dataset.labels
    names = scenario_order(summary, kinds)
    patient_ids = params.dataset.patient_ids != "none"
    unit = "patient" if patient_ids else "image"
    content = {
        "dataset": describe(read_manifest(root / "data/scans"), folds, params),
        "patient_ids": patient_ids,
        "same_source": params.pretraining.unused and params.autoencoder.mode != "scratch",
        "unit": unit,
        "answer": sentence(summary, kinds, patient_ids),
        "verdicts": [(kind, judge(scenario(summary, kind)["versus_real"])) for kind in kinds],
        "traditional": change(scenario(summary, "traditional")["versus_real"], unit) if "traditional" in names else None,
        "on_the_fly": params.classifier.traditional == "on_the_fly",
        "baselines": sentences(summary, curve, unit),
        "caveat": caveat(kinds),
        "seeds": summary["seeds"],
        "rounds": summary["rounds"],
        "subsets": summary["protocol"] == "subsets",
        "tests_in_words": in_words(summary["seeds"], summary["rounds"], summary["protocol"] == "subsets", unit),
        "results": results(root, summary, names),
        "plots": plots(root, summary, names),
        "ways": ways(root, curve, read_json(root / "metrics/fidelity.json"), names, params.mixing_rate),
        "curves": curves(root, curve, names, params.mixing_rate),
        "fidelity": fidelity(read_json(root / "metrics/fidelity.json"), names),
        "explanations": explanations(root, labels),
        "gallery": gallery(root, crops, folds, params),
        "tally": tally(root, folds, kinds),
        "gates": read_gates(root / "metrics/quality"),
        "dag": diagram(stages),
        "inputs": inputs(root, stages),
    }
    return _environment().get_template("page.html.j2").render(content)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(FILTERS)
    return environment


def describe(scans: pd.DataFrame, folds: pd.DataFrame, params: Params) -> dict[str, Any]:
    """What the study is of: its data set, images, images and patients a class, folds, mixing rate."""
    classes = []
    for label, name in enumerate(params.dataset.labels):
        rows = scans[scans["label"] == label]
        classes.append({"name": name, "images": len(rows), "patients": rows["patient_id"].nunique()})
    return {
        "kind": params.dataset.kind,
        "name": "phantom" if params.dataset.kind == "phantom" else Path(params.dataset.path).name,
        "images": len(scans),
        "classes": classes,
        "folds": folds["fold"].nunique(),
        "mixing_rate": params.mixing_rate,
    }
