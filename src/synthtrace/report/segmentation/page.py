"""The segmentation study's page: what the stages before it wrote, in one HTML file that needs no other."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from synthtrace.folds.units import words
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.report.dag import diagram
from synthtrace.report.formats import FILTERS
from synthtrace.report.gates import read_gates
from synthtrace.report.pipeline import inputs, read_pipeline
from synthtrace.report.reading import read_json
from synthtrace.report.segmentation.answer import added, alone, headline, small_sets, verdicts
from synthtrace.report.segmentation.fidelity import fidelity
from synthtrace.report.segmentation.pictures import gallery, tally
from synthtrace.report.segmentation.split import split, style_networks, warnings
from synthtrace.report.segmentation.tables import skipped, tables
from synthtrace.tables import read_folds, read_manifest

OWN = Path(__file__).parent / "templates"
PHANTOM = "data/raw/lesions"
SHARED = Path(__file__).parents[1] / "templates"


def build_page(root: Path, params: SegmentationParams) -> str:
    """The whole page as HTML, from a study's folder whose stages before the report have run.

    The same files and parameters give the same text: no time, host or run id enters it. Raises InputError when a file that it
    needs is missing or unreadable.
    """
    root = Path(root)
    crops, folds = read_manifest(root / "data/crops"), read_folds(root / "data/folds/folds.csv")
    summary = read_json(root / "metrics/summary.json")
    stages = read_pipeline(root / "dvc.yaml", params.model_dump())
    units = words(params.dataset.patient_ids)
    unit = units.replace("patients", "patient").replace("groups", "group")
    simulated = params.dataset.path == PHANTOM
    content = {
        "name": "phantom" if simulated else Path(params.dataset.path).name,
        "simulated": simulated,
        "units": units,
        "summary": summary,
        "headline": headline(summary, unit, units),
        "added": added(summary, unit),
        "alone": alone(summary, unit),
        "small": small_sets(summary),
        "verdicts": verdicts(summary),
        "split": split(crops, folds, params),
        "warnings": warnings(summary, params, read_json(root / "data/clusters/fold0/report.json"), units),
        "style_networks": style_networks(params),
        "fidelity": fidelity(read_json(root / "metrics/fidelity.json")),
        "tables": tables(root, summary, params),
        "skipped": skipped(summary),
        "gallery": gallery(root, crops, folds, params),
        "tally": tally(root, params),
        "gates": read_gates(root / "metrics/quality"),
        "dag": diagram(stages),
        "inputs": inputs(root, stages),
    }
    environment = Environment(
        loader=FileSystemLoader([OWN, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment.get_template("segmentation.html.j2").render(content)
