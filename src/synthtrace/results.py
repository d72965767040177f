"""The evidence of a preset's run, kept under `results/NAME/`, with the committed state put back afterwards."""

import contextlib
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from synthtrace.engine import reproduce
from synthtrace.engine.graph import PROJECT, Pipeline
from synthtrace.errors import InputError
from synthtrace.lineage.hashing import Hasher, folder_listing
from synthtrace.lineage.run import LISTING
from synthtrace.lineage.segmentation.study import SEGMENTERS
from synthtrace.lineage.study import BASELINES, IDENTIFIED
from synthtrace.params import PARAMS_FILE, load_params
from synthtrace.presets import apply_preset, preset_study
from synthtrace.studies import Study

RESULTS = Path("results")
# of a folder of the curve; what its trainings drew would weigh many times as much
PREDICTED, UNFILLED = "predictions.parquet", "unfilled.csv"
# of a folder of segmenters, beside whose scores it says which cells there are none of
SKIPPED = "skipped.csv"
# with pictures of the data, which the evidence must not hold: it stays out of Git, beside the report of the committed state
REPORT = Path("report/index.html")
# what a run changes and Git tracks: must be as committed before, and is again afterwards
RESTORED = ("params.yaml", "dvc.lock", "code.json", "metrics", "plots")
COPIED = ("dvc.yaml", *RESTORED)


def produce(name: str, jobs: int) -> int:
    """Run preset `name`, replace `results/NAME/` by its evidence, restore RESTORED; the exit code of the run.

    The report stays at report/NAME.html. Nothing is kept of a run that failed or was interrupted.

    A preset of another study runs in the folder of this study, where its report stays too.

    Raises:
        InputError: RESTORED differs from the last commit, or the preset is refused.
    """
    study, target = preset_study(name), (RESULTS / name).resolve()
    with contextlib.chdir(study.folder):
        _check_committed()
    apply_preset(name)
    # a kill must restore too; while stages run the engine takes both signals itself
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    report = REPORT.with_name(f"{name}.html")
    with contextlib.chdir(study.folder):
        try:
            code = reproduce([], jobs)
            if code == 0:
                _keep(target, study)
                _copy(REPORT, report)
                print(f"{RESULTS / name}: evidence of this run; its report is {study.folder / report}")
            else:
                print(f"{RESULTS / name}: left as it was, because the run did not end well", file=sys.stderr)
        finally:
            _restore()
    return min(code, 1)


def _git(*arguments: str, check: bool = True) -> str:
    result = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if check and result.returncode:
        raise InputError(f"git {' '.join(arguments[:1])} failed: {result.stderr.strip()}")
    return result.stdout


def _check_committed() -> None:
    status = _git("status", "--porcelain", "--untracked-files=all", "--", *RESTORED)
    if changed := [line[3:] for line in status.splitlines()]:
        raise InputError(
            f"{', '.join(changed)}: differs from the last commit and would be lost; commit or restore it, then try again"
        )


def _restore() -> None:
    tracked = [path for path in RESTORED if _git("ls-tree", "HEAD", "--", path)]
    _git("checkout", "HEAD", "--", *tracked)
    _git("clean", "-fdq", "--", *RESTORED)
    # the workspace follows the committed lock again; an out that the cache lacks is made by the next run
    subprocess.run([sys.executable, "-m", "dvc", "checkout", "--force", "--quiet", PROJECT], capture_output=True, check=False)


def _keep(target: Path, study: Study) -> None:
    """Build the evidence aside and swap it in whole."""
    fresh, old = (Path(".scratch/results") / f"{target.name}.{part}" for part in ("new", "old"))
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in COPIED:
        _copy(Path(name), fresh / name)
    outs = _outs()
    _copy(Path("data/folds/folds.csv"), fresh / "folds.csv")
    for table in (Path(path) for path in outs if path.startswith("data/predictions/")):
        _copy(table, fresh / "predictions" / table.name)
    for folder in (Path(path) for path in outs if path.startswith("data/curve/")):
        _keep_part(folder, fresh / "curve" / folder.name, PREDICTED, UNFILLED)
    for folder in (Path(path) for path in outs if path.startswith(f"{SEGMENTERS}/")):
        _keep_part(folder, fresh / "segmenters" / folder.name, SKIPPED)
    _keep_baselines(fresh, study)
    for record in sorted(Path("records").glob("*/*.json")):
        if record.stem in outs.values():
            _copy(record, fresh / record)
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _keep_part(folder: Path, kept: Path, *names: str) -> None:
    """Some files of a folder, and DVC's own list of all of them."""
    kept.mkdir(parents=True)
    for name in names:
        _copy(folder / name, kept / name)
    (kept / LISTING).write_bytes(folder_listing(Hasher().entries(folder)))


def _keep_baselines(fresh: Path, study: Study) -> None:
    """What the summary's baselines are computed from; other columns of a manifest, which evidence needs not, stay at home."""
    params: Any = load_params(PARAMS_FILE, study.model)  # whose blocks are the study's own; each has a data set
    if names := params.dataset.baselines:
        manifest = pd.read_csv("data/crops/manifest.csv", dtype=str, keep_default_na=False)  # each cell as it is written
        manifest[[*IDENTIFIED, *names]].to_csv(fresh / BASELINES, index=False, lineterminator="\n")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _outs() -> dict[str, str]:
    """Path and digest of this run's outs; dvc.lock may also hold stages that other parameters had (another fold, say)."""
    stages = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))["stages"]
    return {out["path"]: out["md5"] for name in Pipeline([]).names if name in stages for out in stages[name].get("outs", [])}
