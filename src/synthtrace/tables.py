"""The tables that stages hand to each other: their columns, how they are read, written and checked.

manifest.csv (scans, crops), folds.csv, ledger.parquet, candidates.parquet, selection.parquet, the predictions tables and those
of the curve.
Columns are listed in the order in which they are written; further columns of a manifest ride along behind them.
"""

from pathlib import Path

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.params import AUGMENT, NO_SELECTION, REAL, TRADITIONAL, Classifier, Curve

MANIFEST = ["image_id", "pixel_hash", "path", "patient_id", "label", "label_name", "frame", "source"]
MANIFEST_OPTIONAL = ["grade", "mask_path", "group_id"]
FOLDS = ["fold", "image_id", "patient_id", "role"]
ROLES = ["train", "val", "test", "unused"]
LEDGER = [
    "image_id",
    "pixel_hash",
    "file_sha256",
    "path",
    "label",
    "generator",
    "fold",
    "checkpoint",
    "index",
    "batch",
    "seed",
    "condition_image_id",
    "condition_seed",
    "sampler",
    "steps",
    "guidance_scale",
]
CANDIDATES = ["image_id", "label", "nearest_real_id", "nearest_real_distance", "copy"]
SELECTION = [*CANDIDATES, "kept"]
PREDICTIONS = ["backbone", "mixing_rate", "seed", "fold", "image_id", "patient_id", "label"]
CURVE = ["run", "scenario", "selection", "mode", *PREDICTIONS]
CURVE_SETTINGS = ["run", "scenario", "selection", "mode", "backbone", "mixing_rate", "seeds"]
UNFILLED = ["run", "scenario", "selection", "mode", "mixing_rate", "fold", "label", "kept", "candidates", "needed"]

# identifiers stay text: "007" is a patient, not the number 7
_TEXT = dict.fromkeys(
    ("image_id", "pixel_hash", "path", "patient_id", "label_name", "source", "group_id", "mask_path"),
    "string",
)


def _read_csv(path: Path, required: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=_TEXT, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise InputError(f"{path}: no such table") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable CSV table ({error})") from None
    return _with_columns(table, path, required)


def _read_parquet(path: Path, required: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such table") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable Parquet table ({error})") from None
    return _with_columns(table, path, required)


def _with_columns(table: pd.DataFrame, path: Path, required: list[str]) -> pd.DataFrame:
    missing = [name for name in required if name not in table.columns]
    if missing:
        raise InputError(f"{path}: missing column {missing[0]!r}; it has {', '.join(table.columns)}")
    return table


def read_manifest(folder: Path) -> pd.DataFrame:
    """`manifest.csv` of a folder of images; one row an image, paths relative to the folder."""
    return _read_csv(Path(folder) / "manifest.csv", MANIFEST)


def write_manifest(folder: Path, manifest: pd.DataFrame) -> None:
    """Write `manifest.csv` beside `images/`, contract columns first."""
    leading = MANIFEST + [name for name in MANIFEST_OPTIONAL if name in manifest.columns]
    riding = [name for name in manifest.columns if name not in leading]
    manifest[leading + riding].to_csv(Path(folder) / "manifest.csv", index=False, lineterminator="\n")


def read_folds(path: Path) -> pd.DataFrame:
    """`folds.csv`: which role an image has in a fold."""
    return _read_csv(Path(path), FOLDS)


def write_folds(path: Path, folds: pd.DataFrame) -> None:
    """Write `folds.csv`."""
    folds[FOLDS].to_csv(path, index=False, lineterminator="\n")


def with_role(manifest: pd.DataFrame, folds: pd.DataFrame, fold: int, role: str) -> pd.DataFrame:
    """Rows of the manifest that have `role` in `fold`, in the manifest's order."""
    chosen = folds.loc[(folds["fold"] == fold) & (folds["role"] == role), "image_id"]
    return manifest[manifest["image_id"].isin(chosen)].reset_index(drop=True)


def read_ledger(pool: Path) -> pd.DataFrame:
    """`ledger.parquet` of a pool: one row an image, in bijection with `images/`."""
    return _read_parquet(Path(pool) / "ledger.parquet", LEDGER)


def write_ledger(pool: Path, ledger: pd.DataFrame) -> None:
    """Write a pool's ledger."""
    ledger[LEDGER].to_parquet(Path(pool) / "ledger.parquet", index=False)


def read_candidates(folder: Path) -> pd.DataFrame:
    """`candidates.parquet`: every candidate of a pool with its scores and whether it is a copy."""
    return _read_parquet(Path(folder) / "candidates.parquet", CANDIDATES)


def write_candidates(folder: Path, candidates: pd.DataFrame) -> None:
    """Write the candidates of a pool; scores ride behind the contract's columns."""
    riding = [name for name in candidates.columns if name not in CANDIDATES]
    candidates[CANDIDATES + riding].to_parquet(Path(folder) / "candidates.parquet", index=False)


def read_selection(folder: Path) -> pd.DataFrame:
    """`selection.parquet`: every candidate of a pool with its scores, `copy` and `kept`."""
    return _read_parquet(Path(folder) / "selection.parquet", SELECTION)


def write_selection(folder: Path, selection: pd.DataFrame) -> None:
    """Write a selection; scores ride behind the contract's columns."""
    riding = [name for name in selection.columns if name not in SELECTION]
    selection[SELECTION + riding].to_parquet(Path(folder) / "selection.parquet", index=False)


def read_predictions(path: Path) -> pd.DataFrame:
    """Predictions of a scenario: one row a (backbone, mixing_rate, seed, fold, image), one probability a class."""
    return _read_parquet(Path(path), PREDICTIONS)


def write_predictions(path: Path, predictions: pd.DataFrame) -> None:
    """Write a predictions table; columns `p0`, `p1`, ... follow the contract's."""
    probabilities = [name for name in predictions.columns if name not in PREDICTIONS]
    predictions[PREDICTIONS + probabilities].to_parquet(path, index=False)


def read_curve(folder: Path) -> pd.DataFrame:
    """`predictions.parquet` of a scenario of the curve: predictions of every run that draws from it, at every rate."""
    return _read_parquet(Path(folder) / "predictions.parquet", CURVE)


def read_unfilled(folder: Path) -> pd.DataFrame:
    """`unfilled.csv` of a scenario of the curve: points without predictions: a selection kept too few of a class (UNFILLED)."""
    return _read_csv(Path(folder) / "unfilled.csv", UNFILLED)


def curve_settings(curve: Curve, classifier: Classifier) -> pd.DataFrame:
    """Every point that the parameters ask for (CURVE_SETTINGS), run by run: real at rate 0, then each scenario's rates.

    `seeds` is how many trainings a fold make the point. Only generator kinds have several selections and modes; `traditional`
    without crops to mix in is one point, at rate 0.
    """
    rows: list[tuple] = []
    for run in curve.runs:
        for scenario in (REAL, *run.scenarios):
            own = scenario not in (REAL, TRADITIONAL)
            rates = curve.rates_of(run) if classifier.mixes(scenario) else [0.0]
            rows += [
                (run.name, scenario, selection, mode, run.backbone, float(rate), run.seeds)
                for selection in (run.selections if own else [NO_SELECTION])
                for mode in (run.modes if own else [AUGMENT])
                for rate in rates
            ]
    return pd.DataFrame(rows, columns=CURVE_SETTINGS)
