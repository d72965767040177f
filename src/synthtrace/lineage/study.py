"""A run of the main study, and what it alone has: scenarios of classifiers, their trainings, the curve, baselines."""

import importlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.lineage.run import Run, with_columns
from synthtrace.params import REAL, TRADITIONAL, Params
from synthtrace.tables import read_predictions

TRAINING = ["backbone", "mixing_rate", "seed", "fold", "image_id"]
CURVE = "data/curve"
# in evidence: the columns of the crops' manifest that baselines are computed from
BASELINES = "baselines.csv"
IDENTIFIED = ["image_id", "patient_id", "label"]


@dataclass(frozen=True)
class Trainings:
    """The classifiers of one scenario, in the comparison or on the curve.

    Attributes:
        scenario: where their images came from.
        predictions: path of the table of what they predicted.
        folder: where the table of what they drew lies.
        told_by: columns of both that tell one training from another within a fold.
    """

    scenario: str
    predictions: str
    folder: str
    told_by: tuple[str, ...]

    @property
    def drawn(self) -> str:
        """Path of the table of what they drew."""
        return f"{self.folder}/training.parquet"


class Study(Run[Params]):
    """A run of the main study."""

    model = Params
    kept: ClassVar[dict[str, str]] = {**Run.kept, CURVE: "curve"}
    in_part: ClassVar[tuple[str, ...]] = (CURVE,)

    @property
    def kinds(self) -> list[str]:
        """Kinds of generators."""
        return list(self.params.generator.kinds)

    @property
    def items(self) -> list[str]:
        """The scenarios."""
        return self.scenarios

    @property
    def scenarios(self) -> list[str]:
        """Scenarios of classifiers, in the order of the summary."""
        return [REAL, TRADITIONAL, *self.kinds]

    @cached_property
    def baselines(self) -> pd.DataFrame:
        """The crops' manifest, or, in evidence, what was kept of it: IDENTIFIED and the columns of `dataset.baselines`."""
        if not self.evidence:
            return self.manifest
        path, text = self.root / BASELINES, dict.fromkeys(IDENTIFIED[:2], "string")
        try:
            return with_columns(pd.read_csv(path, dtype=text), path, IDENTIFIED)
        except FileNotFoundError:
            raise InputError(f"{path}: no such table; expected the columns of dataset.baselines") from None
        except ValueError as error:
            raise InputError(f"{path}: not a readable CSV table ({error})") from None

    def suites(self, gate: str) -> list[Any] | None:
        """Of the module of `quality.suites` that has the gate's name."""
        try:
            module = importlib.import_module(f"synthtrace.quality.suites.{gate}")
        except ModuleNotFoundError:
            return None
        return list(module.expected(self.params))

    @cached_property
    def trainings(self) -> list[Trainings]:
        """Those of the comparison, scenario by scenario, and those of the curve where the study has one."""
        outs = {out for stage in self.declared.values() for out in stage.outs}
        compared = [
            Trainings(name, f"data/predictions/{name}.parquet", f"data/classifiers/{name}", ("backbone", "seed"))
            for name in self.scenarios
        ]
        folders = {name: f"{CURVE}/{name}" for name in self.scenarios}
        return compared + [
            Trainings(name, f"{folder}/predictions.parquet", folder, ("run", "selection", "mode", "mixing_rate", "seed"))
            for name, folder in folders.items()
            if folder in outs
        ]

    def predicted(self, trainings: Trainings) -> pd.DataFrame:
        """The predictions of some trainings; raises InputError when a column is missing."""
        path = self.path(trainings.predictions)
        return with_columns(read_predictions(path), path, list(trainings.told_by))

    def predictions(self, scenario: str) -> pd.DataFrame:
        """A scenario's predictions in the comparison."""
        return read_predictions(self.path(f"data/predictions/{scenario}.parquet"))

    def drawn(self, trainings: Trainings) -> pd.DataFrame:
        """What each of some trainings drew: one row an image_id, its training told by `told_by` and fold.

        Ids of random crops are their image's id, `~` and a number.
        """
        path = self.path(trainings.drawn)
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not a readable Parquet table ({error})") from None
        return with_columns(table, path, [*TRAINING, *trainings.told_by])
