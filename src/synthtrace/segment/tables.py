"""The tables of the segmentation study's trainings: scores of test pairs, what was drawn, and what was skipped."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.segment.recipes import RECIPE
from synthtrace.segment.scores import METRICS

FOLD = 0  # the study's only one
SCORES = [*RECIPE, "seed", "fold", "image_id", "group_id", *METRICS, "mask_area", "predicted_area"]
DRAWN = ["recipe", "seed", "fold", "image_id", "source_image_id"]
SKIPPED = [*RECIPE, "reason"]
# columns that not every recipe fills
_NUMBERS = {"multiple": "Int64", "alpha": "Float64", "size": "Int64"}
_WHOLE = {"control": "bool", "saw_all": "bool", "seed": "int64", "fold": "int64"}


def write_scores(path: Path, scores: pd.DataFrame) -> None:
    """Write `predictions/<item>.parquet` (SCORES): a row a recipe, seed and test pair; no rows where all was skipped."""
    numbers = dict.fromkeys((*METRICS, "mask_area", "predicted_area"), "float64")
    scores[SCORES].astype({**_NUMBERS, **_WHOLE, **numbers}).to_parquet(path, index=False)


def read_scores(path: Path) -> pd.DataFrame:
    """What `write_scores` wrote; raises InputError naming the file that is missing, unreadable or lacks a column."""
    return _columns(_read(path, pd.read_parquet), SCORES, path)


def write_drawn(folder: Path, drawn: pd.DataFrame) -> None:
    """Write `training.parquet` (DRAWN): a row a training and pair that it drew, real or synthetic."""
    drawn[DRAWN].astype({"seed": "int64", "fold": "int64"}).to_parquet(Path(folder) / "training.parquet", index=False)


def read_drawn(folder: Path) -> pd.DataFrame:
    """What `write_drawn` wrote; raises as `read_scores`."""
    path = Path(folder) / "training.parquet"
    return _columns(_read(path, pd.read_parquet), DRAWN, path)


def write_skipped(folder: Path, skipped: pd.DataFrame) -> None:
    """Write `skipped.csv` (SKIPPED): a row a recipe that could not be trained, and why."""
    skipped[SKIPPED].astype(_NUMBERS).to_csv(Path(folder) / "skipped.csv", index=False, lineterminator="\n")


def read_skipped(folder: Path) -> pd.DataFrame:
    """What `write_skipped` wrote; raises as `read_scores`."""
    path = Path(folder) / "skipped.csv"
    return _columns(_read(path, lambda file: pd.read_csv(file, dtype=_NUMBERS)), SKIPPED, path)


def _read(path: Path, how: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    try:
        return how(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such table") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable table ({error})") from None


def _columns(table: pd.DataFrame, columns: list[str], path: Path) -> pd.DataFrame:
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise InputError(f"{path}: missing column {missing[0]!r}; it has {', '.join(table.columns)}")
    return table
