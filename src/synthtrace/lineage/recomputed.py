"""What is computed again of the numbers that a study reports: of the stored tables, or of images and models."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from synthtrace.lineage.machine import as_recorded
from synthtrace.lineage.pipeline import producer
from synthtrace.lineage.run import Run
from synthtrace.lineage.study import CURVE, Study

SUMMARY = "metrics/summary.json"
PREDICTIONS, EXPLANATIONS = "data/predictions", "data/explanations"


class Contents(NamedTuple):
    """What files should hold, by path: a JSON tree or a table; and why that cannot be exact here, empty where it can."""

    by_path: dict[str, Any]
    elsewhere: str = ""


@dataclass(frozen=True)
class Source:
    """Files whose numbers are computed together.

    Attributes:
        files: JSON and CSV files.
        given_by: what their numbers are a function of, in words.
        compute: what the files should hold, from a run of the study and the stage that wrote them.
        kept: whether evidence keeps what that takes.
        slow: images and models are read, which `--fast` leaves out.
    """

    files: tuple[str, ...]
    given_by: str
    compute: Callable[[Any, str], Contents]
    kept: bool = True
    slow: bool = False

    def stage(self, study: Run) -> str | None:
        """The stage that wrote the files; None in a study that has none."""
        made = producer(study.lock, self.files[0])
        return made and made[0]

    def left_out(self, study: Run) -> str | None:
        """Why nothing is computed again, or None."""
        if study.evidence and not self.kept:
            return f"evidence does not keep {self.given_by} that give its numbers; `closure` holds its bytes against dvc.lock"
        if study.fast and self.slow:
            return "computed from images and models, which --fast leaves out"
        return None


def _compared(study: Study, stage: str) -> Contents:
    from synthtrace.compare import from_predictions

    params = study.params_of(stage)
    manifest = study.baselines if params.dataset.baselines else None
    result = from_predictions(study.path(PREDICTIONS), params, manifest)
    return Contents({SUMMARY: result.summary, "plots/auc.csv": result.auc, "plots/roc.csv": result.roc})


def _curve(study: Study, stage: str) -> Contents:
    from synthtrace.compare import curve_from_predictions

    figures, auc, roc = curve_from_predictions(study.path(CURVE), study.params_of(stage))
    return Contents({"metrics/curve.json": figures, "plots/curve.csv": auc, "plots/curve_roc.csv": roc})


def _explained(study: Study, stage: str) -> Contents:
    from synthtrace.explain.figures import from_explanations

    return Contents({"metrics/explain.json": from_explanations(study.path(EXPLANATIONS))})


def _scored(study: Study, stage: str) -> Contents:
    from synthtrace.fidelity.score import from_workspace

    with as_recorded(study, stage) as machine:
        figures = from_workspace(Path(study.root), study.params_of(stage), machine.device, cached=False)
    elsewhere = "" if machine.same else f"computed on {machine.here}, its stage ran on {machine.recorded}"
    return Contents({"metrics/fidelity.json": figures}, elsewhere)


SOURCES = [
    Source((SUMMARY, "plots/auc.csv", "plots/roc.csv"), "the predictions", _compared),
    Source(("metrics/curve.json", "plots/curve.csv", "plots/curve_roc.csv"), "the curve's predictions", _curve),
    Source(("metrics/explain.json",), "the explanations", _explained, kept=False),
    Source(("metrics/fidelity.json",), "the images", _scored, kept=False, slow=True),
]


def values(content: Any) -> int:
    """How many values a file holds."""
    return content.size if isinstance(content, pd.DataFrame) else len(leaves(content))


def leaves(tree: Any, key: str = "") -> dict[str, Any]:
    """Values of nested mappings and lists by dotted key, items of lists by position."""
    if isinstance(tree, dict | list):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return {
            name: value
            for below, part in items
            for name, value in leaves(part, f"{key}.{below}" if key else str(below)).items()
        }
    return {key: tree}
