"""How many patients and images stand at each step, read from the tables and cards that the stages wrote."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.errors import InputError
from synthtrace.lineage.hashing import files_below
from synthtrace.lineage.run import Run, read_json, with_columns
from synthtrace.lineage.segmentation.study import PairStudy
from synthtrace.lineage.study import TRAINING
from synthtrace.tables import read_candidates, read_folds, read_ledger, read_predictions, read_selection

Counts = dict[str, Any]

DRAWN, PREDICTED, EXPLAINED = "training.parquet", "predictions.parquet", "explanations.parquet"
CROP_MARK = "~"  # between an original's id and the number of its random crop, in the `traditional` scenario
SUMMED = ("patients", "images", "seeds", "pass")


def counts(study: Run, path: str) -> Counts:
    """What a path of the pipeline holds, by what lies there; {} where it is missing or holds nothing to count.

    Values are ints, except `pass` (bool) of a gate, `labels` (images by label) of a pool, `checkpoint` (hex sha256) of a card
    and `folds` ({fold: {role: {"images", "patients"}}}) of folds.csv. Raises InputError when a table cannot be read.
    """
    place = study.path(path)
    if place.is_dir():
        for name, count in FOLDERS.items():
            if (place / name).is_file():
                return count(study, place)
        if any(place.glob("*/card.json")):
            return _spaces(study, place)
        return {"files": len(files_below(place))}
    if place.name == "folds.csv" and place.is_file():
        return _folds(place)
    if place.suffix == ".parquet" and place.is_file():
        return _predictions(study, place)
    if place.suffix == ".json" and place.is_file():
        return _json(place)
    return {}


def _images(study: Run, folder: Path) -> Counts:
    """A manifest's; one of raw data may name the patients' column as it likes (`dataset.columns`), or have none."""
    try:
        table = pd.read_csv(folder / "manifest.csv", dtype="string")
    except (ValueError, OSError) as error:
        raise InputError(f"{study.shown(folder / 'manifest.csv')}: not a readable CSV table ({error})") from None
    names = {"patient_id", study.params.dataset.columns.patient_id}
    column = next((name for name in table.columns if name in names), None)
    return ({"patients": int(table[column].nunique())} if column else {}) | {"images": len(table)}


def _folds(path: Path) -> Counts:
    folds = read_folds(path)
    found: Counts = {"patients": int(folds["patient_id"].nunique()), "images": int(folds["image_id"].nunique()), "folds": {}}
    for (fold, role), rows in folds.groupby(["fold", "role"]):
        sizes = {"patients": int(rows["patient_id"].nunique()), "images": len(rows)}
        found["folds"].setdefault(str(fold), {})[str(role)] = sizes
    return found


def _checkpoint(study: Run, folder: Path) -> Counts:
    return _seen([_card(study, folder)]) | {"checkpoint": checkpoint_digest(folder)}


def _spaces(study: Run, folder: Path) -> Counts:
    """Latent spaces side by side: what any of their autoencoders saw."""
    return _seen([_card(study, path.parent) for path in sorted(folder.glob("*/card.json"))])


def _seen(cards: list[dict[str, Any]]) -> Counts:
    names = (("patients", "patient_ids"), ("images", "image_ids"))
    return {name: len({one for card in cards for one in card[key]}) for name, key in names}


def _card(study: Run, folder: Path) -> dict[str, Any]:
    try:
        card = read_card(folder)
        return {key: list(card[key]) for key in ("patient_ids", "image_ids")} | {"weights": dict(card["weights"])}
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(f"{study.shown(folder / 'card.json')}: not a readable card ({error!r})") from None


def _pool(study: Run, folder: Path) -> Counts:
    ledger = read_ledger(folder)
    names = study.params.dataset.labels
    labels = {
        names[label] if label < len(names) else str(label): int((ledger["label"] == label).sum())
        for label in set(ledger["label"])
    }
    conditions = ledger["condition_image_id"].dropna()
    found: Counts = {"images": len(ledger), "labels": dict(sorted(labels.items()))}
    if len(conditions):
        rows = study.manifest[study.manifest["image_id"].isin(conditions)]
        found |= {"condition_images": int(conditions.nunique()), "condition_patients": int(rows["patient_id"].nunique())}
    return found


def _candidates(study: Run, folder: Path) -> Counts:
    table = read_candidates(folder)
    return {"candidates": len(table), "copies": int(table["copy"].sum())}


def _selection(study: Run, folder: Path) -> Counts:
    selection = read_selection(folder)
    return {"candidates": len(selection), "copies": int(selection["copy"].sum()), "kept": int(selection["kept"].sum())}


def read_drawn(path: Path) -> pd.DataFrame:
    """training.parquet of a scenario: one row a training (`trainings_of`) and image that it drew."""
    try:
        drawn = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: not a readable table of what classifiers drew ({error})") from None
    return with_columns(drawn, path, ["recipe", *TRAINING[2:]] if "recipe" in drawn else TRAINING)


def trainings_of(drawn: pd.DataFrame) -> list[str]:
    """Columns of training.parquet that tell one training from another."""
    return [name for name in ("run", "recipe", "backbone", "mixing_rate", "seed", "fold") if name in drawn]


def _classifiers(study: Run, folder: Path) -> Counts:
    drawn = read_drawn(folder / DRAWN)
    ids = drawn["image_id"].drop_duplicates()
    crops = ids.str.contains(CROP_MARK, regex=False)
    real = study.manifest[study.manifest["image_id"].isin(ids.str.split(CROP_MARK).str[0])]
    synthetic = ~crops & ~ids.isin(study.manifest["image_id"])
    found = {
        "trainings": len(drawn[trainings_of(drawn)].drop_duplicates()),
        "real_images": len(real),
        "patients": int(real["patient_id"].nunique()),
        "random_crops": int(crops.sum()),
        "synthetic_images": int(synthetic.sum()),
    }
    return {name: count for name, count in found.items() if count}


def _predictions(study: Run, path: Path) -> Counts:
    if isinstance(study, PairStudy):
        from synthtrace.segment.tables import read_scores

        scores = read_scores(path)
        columns = {"groups": "group_id", "images": "image_id", "recipes": "recipe", "seeds": "seed"}
        return {name: int(scores[column].nunique()) for name, column in columns.items()} | {"scores": len(scores)}
    table = read_predictions(path)
    columns = {"patients": "patient_id", "images": "image_id", "folds": "fold", "seeds": "seed", "backbones": "backbone"}
    return {name: int(table[column].nunique()) for name, column in columns.items()} | {"predictions": len(table)}


def _curve(study: Run, folder: Path) -> Counts:
    """A scenario's trainings at every rate: what they drew, and what they predicted."""
    predicted = _predictions(study, folder / PREDICTED)
    runs = read_predictions(folder / PREDICTED)[["run", "mixing_rate"]].drop_duplicates()
    drew = _classifiers(study, folder) if (folder / DRAWN).is_file() else {}
    return {"settings": len(runs)} | drew | {name: predicted[name] for name in ("folds", "predictions")}


def _explanations(study: Run, folder: Path) -> Counts:
    table = pd.read_parquet(folder / EXPLAINED, columns=["image_id", "source"])
    real = study.manifest[study.manifest["image_id"].isin(table["image_id"])]
    return {"images": len(table), "real_images": len(real), "patients": int(real["patient_id"].nunique())}


def _json(path: Path) -> Counts:
    tree = read_json(path)
    if not isinstance(tree, dict):
        return {}
    found = {name: tree[name] for name in SUMMED if isinstance(tree.get(name), int)}
    return found | ({"expectations": len(tree["expectations"])} if isinstance(tree.get("expectations"), list) else {})


# by the file that makes a folder what it is; a folder of classifiers has a card too, of the one model that is kept
FOLDERS: dict[str, Callable[[Run, Path], Counts]] = {
    "ledger.parquet": _pool,
    "candidates.parquet": _candidates,
    "selection.parquet": _selection,
    PREDICTED: _curve,
    EXPLAINED: _explanations,
    DRAWN: _classifiers,
    "card.json": _checkpoint,
    "manifest.csv": _images,
}
