"""One run of a study, as it lies in a workspace or as evidence below results/: what every command of lineage reads."""

import copy
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.lineage.hashing import Hasher
from synthtrace.lineage.pipeline import PARAMS, Declared, Locked, read_declared, read_lock, read_yaml
from synthtrace.params import REAL, TRADITIONAL, Params, load_params, parse_params
from synthtrace.tables import read_candidates, read_folds, read_ledger, read_manifest, read_predictions, read_selection

TRAINING = ["backbone", "mixing_rate", "seed", "fold", "image_id"]
CURVE = "data/curve"
# in evidence: DVC's own list of a folder's files, of which some were kept
LISTING = "listing.json"
# in evidence: the columns of the crops' manifest that baselines are computed from
BASELINES = "baselines.csv"
IDENTIFIED = ["image_id", "patient_id", "label"]
# where evidence keeps parts of the pipeline's data
KEPT = {"data/folds/": "", "data/predictions": "predictions", CURVE: "curve"}


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


class Study:
    """A run of the study whose dvc.yaml stands in `root`.

    Attributes:
        root: the folder of dvc.yaml, dvc.lock, params.yaml and code.json.
        repository: the folder of .dvc: `root`, or above it for studies/<name> and results/<name>.
        evidence: `root` is results/<name>: what was kept of a run that is not in the workspace.
        fast: leave out what reads images and models again.
        everything: replay all images of the pools, not a drawn sample.
    """

    def __init__(self, root: Path, evidence: bool = False, fast: bool = False, everything: bool = False) -> None:
        self.root = Path(root).resolve()
        self.evidence = evidence
        self.fast = fast
        self.everything = everything
        self.repository = next((folder for folder in (self.root, *self.root.parents) if (folder / ".dvc").is_dir()), self.root)
        self.hasher = Hasher()

    @cached_property
    def lock(self) -> dict[str, Locked]:
        """What ran: dvc.lock, cut to the stages that dvc.yaml still declares (`orphans` are the others)."""
        return {name: stage for name, stage in self.locked.items() if name in self.declared}

    @cached_property
    def orphans(self) -> list[str]:
        """Stages of dvc.lock that dvc.yaml and params.yaml no longer declare."""
        return [name for name in self.locked if name not in self.declared]

    @cached_property
    def locked(self) -> dict[str, Locked]:
        """All of dvc.lock, orphans too."""
        return read_lock(self.root / "dvc.lock")

    @cached_property
    def declared(self) -> dict[str, Declared]:
        """What dvc.yaml and params.yaml ask for."""
        return read_declared(self.root)

    @cached_property
    def params(self) -> Params:
        """params.yaml, validated."""
        try:
            return load_params(self.root / "params.yaml")
        except InputError as error:
            if not self.evidence:
                raise
            raise InputError(
                f"{error}; {self.root.name} is evidence of an older version: audit it in a checkout of its commit, which its "
                "records name"
            ) from None

    def params_of(self, stage: str) -> Params:
        """params.yaml with the values that a stage ran with, as dvc.lock holds them, in the place of today's.

        Raises InputError when the stage has not run, or with parameters that do not exist today.
        """
        if stage not in self.lock:
            raise InputError(f"{self.root / 'dvc.lock'}: no stage {stage}; expected that it has run")
        tree = copy.deepcopy(self.param_tree)
        for key, value in self.lock[stage].params.get(PARAMS, {}).items():
            *blocks, name = key.split(".")
            place = tree
            for block in blocks:
                if not isinstance(place.get(block), dict):
                    place[block] = {}
                place = place[block]
            place[name] = value
        return parse_params(tree, f"{self.root / 'dvc.lock'}: stage {stage}")

    @cached_property
    def param_tree(self) -> dict[str, Any]:
        """params.yaml as it is written."""
        return read_yaml(self.root / "params.yaml")

    @cached_property
    def code(self) -> dict[str, Any]:
        """code.json."""
        return read_object(self.root / "code.json")

    def path(self, name: str) -> Path:
        """Where a path of the pipeline lies: in evidence, folds.csv, predictions/ and curve/ stand at the top."""
        if self.evidence:
            for below, kept in KEPT.items():
                if name.startswith(below):
                    return self.root / (kept + name.removeprefix(below))
        return self.root / name

    def digest(self, name: str) -> str:
        """DVC's digest of a path of the pipeline, from its bytes; raises OSError when it is not there."""
        return self.hasher.digest(self.path(name))

    def shown(self, path: Path) -> str:
        """A path as people should see it: relative to the study where it can be."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    @cached_property
    def _dvc(self) -> Any:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo

        try:
            return Repo(str(self.repository))
        except DvcException as error:
            raise InputError(f"{self.repository}: {error}; expected a DVC repository") from None

    @cached_property
    def cache(self) -> Path:
        """DVC's content-addressed store, `files/md5` of the cache folder (`cache.dir` of DVC's config is respected)."""
        return Path(self._dvc.cache.local.path)

    def ignored(self, path: Path) -> bool:
        """Whether .dvcignore hides a file from DVC, so that no digest knows it."""
        return bool(self._dvc.dvcignore.is_ignored_file(str(path)))

    def cached(self, digest: str) -> Path:
        """Where the cache keeps the object of a digest."""
        return self.cache / digest[:2] / digest[2:]

    def record(self, stage: str, digest: str) -> dict[str, Any] | None:
        """records/<stage>/<digest>.json: the circumstances of the run that made an out; None where nothing was kept."""
        path = self.root / "records" / stage / f"{digest}.json"
        return read_object(path) if path.is_file() else None

    @property
    def kinds(self) -> list[str]:
        """Kinds of generators."""
        return list(self.params.generator.kinds)

    @property
    def scenarios(self) -> list[str]:
        """Scenarios of classifiers, in the order of the summary."""
        return [REAL, TRADITIONAL, *self.kinds]

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """The crops' manifest."""
        return read_manifest(self.path("data/crops"))

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

    @cached_property
    def folds(self) -> pd.DataFrame:
        """folds.csv."""
        return read_folds(self.path("data/folds/folds.csv"))

    @property
    def fold_numbers(self) -> list[int]:
        """Folds, in order."""
        return sorted(int(fold) for fold in self.folds["fold"].unique())

    def pool(self, kind: str, fold: int) -> Path:
        """Folder of a pool."""
        return self.root / f"data/pools/{kind}/fold{fold}"

    def generator(self, kind: str, fold: int) -> Path:
        """Folder of a generator's checkpoint."""
        return self.root / f"data/generators/{kind}/fold{fold}"

    def ledger(self, kind: str, fold: int) -> pd.DataFrame:
        """A pool's ledger."""
        return read_ledger(self.pool(kind, fold))

    def candidates(self, kind: str, fold: int) -> pd.DataFrame:
        """A pool's scored candidates."""
        return read_candidates(self.root / f"data/scored/{kind}/fold{fold}")

    def selection(self, kind: str, fold: int) -> pd.DataFrame:
        """A pool's selection."""
        return read_selection(self.root / f"data/selected/{kind}/fold{fold}")

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


def with_columns(table: pd.DataFrame, path: Path, names: list[str]) -> pd.DataFrame:
    """The table; raises InputError when it lacks a column."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise InputError(f"{path}: missing column {missing[0]!r}; it has {', '.join(table.columns)}")
    return table


def read_json(path: Path) -> Any:
    """A JSON file; raises InputError naming it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid JSON ({error})") from None


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object; raises InputError naming it."""
    tree = read_json(path)
    if not isinstance(tree, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(tree).__name__}")
    return tree


def find_study(study: str | None = None, results: str | None = None, fast: bool = False, everything: bool = False) -> Study:
    """The study of the current directory's repository, one of studies/, or the evidence of one of results/.

    Raises InputError when there is none.
    """
    root = Path.cwd()
    if study and results:
        raise InputError("--study and --results: expected one of them; evidence in results/ belongs to one study")
    if results:
        root = root / "results" / results
    elif study:
        root = root / "studies" / study
    for name in ("dvc.yaml", "dvc.lock"):
        if not (root / name).is_file():
            raise InputError(f"{root / name}: no such file; expected a study that has run (`synthtrace repro`)")
    return Study(root, bool(results), fast, everything)
