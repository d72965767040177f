"""One run of any study, as it lies in a workspace or as evidence below results/: what all commands of lineage read."""

import copy
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.lineage.hashing import Hasher
from synthtrace.lineage.pipeline import PARAMS, Declared, Locked, read_declared, read_lock, read_yaml
from synthtrace.params import Root, load_params, parse_params
from synthtrace.tables import read_candidates, read_folds, read_ledger, read_manifest, read_selection

R = TypeVar("R", bound=Root)

# in evidence: DVC's own list of a folder's files, of which some were kept
LISTING = "listing.json"
_SCRIPTS = re.compile(r"\bstages/(\w+)/\w+\.py\b")


def study_of(root: Path) -> str:
    """Which of studies/ a dvc.yaml belongs to: it runs the scripts of stages/<study>; "" for the main study, or without one."""
    try:
        found = _SCRIPTS.search((root / "dvc.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""  # what reads it next says so
    return found[1] if found else ""


class Run(Generic[R]):
    """A run of the study whose dvc.yaml stands in `root`; each study has a class of its own, which adds what it alone has.

    Attributes:
        root: the folder of dvc.yaml, dvc.lock, params.yaml and code.json.
        repository: the folder of .dvc: `root`, or above it for studies/<name> and results/<name>.
        home: the folder that paths of the pipeline are relative to: `root`, or, of evidence, the folder where it ran.
        evidence: `root` is results/<name>: what was kept of a run that is not in the workspace.
        fast: leave out what reads images and models again.
        everything: replay all images of the pools, not a drawn sample.
    """

    # its name below studies/ and stages/; empty for the main study
    name: ClassVar[str] = ""
    model: type[R]
    # where evidence keeps parts of the pipeline's data, and in which of these places folders are kept in part, with a LISTING
    kept: ClassVar[dict[str, str]] = {"data/folds/": "", "data/predictions": "predictions"}
    in_part: ClassVar[tuple[str, ...]] = ()

    def __init__(self, root: Path, evidence: bool = False, fast: bool = False, everything: bool = False) -> None:
        self.root = Path(root).resolve()
        self.evidence = evidence
        self.fast = fast
        self.everything = everything
        self.repository = next((folder for folder in (self.root, *self.root.parents) if (folder / ".dvc").is_dir()), self.root)
        ran = self.repository / "studies" / self.name if self.name else self.repository
        self.home = ran if evidence else self.root
        self.hasher = Hasher()

    @property
    def scripts(self) -> str:
        """The folder of its stages' scripts, in the repository."""
        return f"stages/{self.name}".rstrip("/")

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
    def params(self) -> R:
        """params.yaml, validated."""
        try:
            return load_params(self.root / "params.yaml", self.model)
        except InputError as error:
            if not self.evidence:
                raise
            raise InputError(
                f"{error}; {self.root.name} is evidence of an older version: audit it in a checkout of its commit, which its "
                "records name"
            ) from None

    def params_of(self, stage: str) -> R:
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
        return parse_params(tree, f"{self.root / 'dvc.lock'}: stage {stage}", self.model)

    @cached_property
    def param_tree(self) -> dict[str, Any]:
        """params.yaml as it is written."""
        return read_yaml(self.root / "params.yaml")

    @cached_property
    def code(self) -> dict[str, Any]:
        """code.json."""
        return read_object(self.root / "code.json")

    def path(self, name: str) -> Path:
        """Where a path of the pipeline lies: in evidence, folds.csv, predictions/ and what else is kept stand at the top."""
        if self.evidence:
            for below, kept in self.kept.items():
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

    def records(self, stage: str) -> Path:
        """The folder of the records of a stage."""
        return self.root / "records" / stage

    def record(self, stage: str, digest: str) -> dict[str, Any] | None:
        """<digest>.json of `records`: the circumstances of the run that made an out; None where nothing was kept."""
        path = self.records(stage) / f"{digest}.json"
        return read_object(path) if path.is_file() else None

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """The crops' manifest."""
        return read_manifest(self.path("data/crops"))

    @cached_property
    def folds(self) -> pd.DataFrame:
        """folds.csv."""
        return read_folds(self.path("data/folds/folds.csv"))

    @property
    def fold_numbers(self) -> list[int]:
        """Folds, in order."""
        return sorted(int(fold) for fold in self.folds["fold"].unique())

    @property
    def kinds(self) -> list[str]:
        """Names of the pools of synthetic images, which but for derived ones are those of their generators."""
        raise NotImplementedError

    @property
    def items(self) -> list[str]:
        """What the models that are judged are trained by, one table of predictions each."""
        raise NotImplementedError

    def suites(self, gate: str) -> list[Any] | None:
        """The suites by which the code of today judges at a gate of this name; None where it has none."""
        raise NotImplementedError

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
