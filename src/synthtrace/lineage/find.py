"""The run that a command means, as a run of the study that it belongs to."""

from pathlib import Path

from synthtrace.errors import InputError
from synthtrace.lineage.run import Run, study_of
from synthtrace.lineage.segmentation.study import PairStudy
from synthtrace.lineage.study import Study

STUDIES: dict[str, type[Run]] = {one.name: one for one in (Study, PairStudy)}


def open_run(root: Path, evidence: bool = False, fast: bool = False, everything: bool = False) -> Run:
    """The run in a folder; raises InputError when dvc.yaml runs the scripts of an unknown study."""
    name = study_of(root)
    if name not in STUDIES:
        known = ", ".join(filter(None, STUDIES))
        raise InputError(f"{root / 'dvc.yaml'}: runs the scripts of stages/{name}; expected those of a known study: {known}")
    return STUDIES[name](root, evidence, fast, everything)


def find_study(study: str | None = None, results: str | None = None, fast: bool = False, everything: bool = False) -> Run:
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
    return open_run(root, bool(results), fast, everything)


def of_main(found: Run, command: str) -> Study:
    """A run of the main study, for a command that reads what other studies have not; raises InputError for one of another."""
    if not isinstance(found, Study):
        raise InputError(f"{command}: reads the main study's tables; expected a run of it, found one of {found.name}")
    return found
