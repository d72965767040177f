"""A patient, or a picture of one, on both sides of a fold; DVC is told each time that all is well."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from disguises import DISGUISES, Disguise
from edits import drawn
from mutation import Mutation, bless
from pipeline_clone import Clone

from synthtrace.images import pixel_hash, read_image, write_image
from synthtrace.preprocess.crops import fixed_crop, native_crop
from synthtrace.preprocess.maps import brightness_map
from synthtrace.tables import (
    read_folds,
    read_ledger,
    read_manifest,
    read_predictions,
    read_selection,
    with_role,
    write_folds,
    write_ledger,
    write_manifest,
    write_selection,
)

KINDS, FOLDS = ["class", "semantic"], [0, 1]
FOLDS_CSV = Path("data/folds/folds.csv")


def _sides(clone: Clone, fold: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the crops' manifest that a fold trains on, and those that it scores."""
    manifest, folds = read_manifest(clone.folder / "data/crops"), read_folds(clone.folder / FOLDS_CSV)
    return with_role(manifest, folds, fold, "train"), with_role(manifest, folds, fold, "test")


def _row(rows: pd.DataFrame, random: np.random.Generator) -> pd.Series:
    return rows.iloc[int(random.integers(len(rows)))]


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file anew: what DVC linked stays as it is."""
    path.unlink()
    write(path)


def name_in_card(clone: Clone, random: np.random.Generator) -> None:
    """The card of a generator or an extractor owns to a held-out patient's frame."""
    fold = drawn(FOLDS, random)
    path = (
        clone.folder
        / drawn([*(f"data/generators/{kind}" for kind in KINDS), "data/features"], random)
        / f"fold{fold}/card.json"
    )
    held_out = _row(_sides(clone, fold)[1], random)
    card = json.loads(path.read_text())
    card["image_ids"] = sorted([*card["image_ids"], held_out["image_id"]])
    card["patient_ids"] = sorted({*card["patient_ids"], held_out["patient_id"]})
    _replace(path, lambda path: path.write_text(json.dumps(card, indent=2, sort_keys=True) + "\n"))
    bless(clone)


def retrain(clone: Clone, random: np.random.Generator) -> None:
    """folds.csv is edited, an extractor is trained, and folds.csv is put back."""
    fold, path = drawn(FOLDS, random), clone.folder / FOLDS_CSV
    before, folds = path.read_bytes(), read_folds(path)
    patient = _row(_sides(clone, fold)[1], random)["patient_id"]
    folds.loc[(folds["fold"] == fold) & (folds["patient_id"] == patient), "role"] = "train"
    _replace(path, lambda path: write_folds(path, folds))
    result = clone.run("dvc", "repro", "--quiet", "--single-item", f"features@{fold}")
    assert result.returncode == 0, result.stdout + result.stderr
    _replace(path, lambda path: path.write_bytes(before) and None)
    bless(clone)


def promote(clone: Clone, random: np.random.Generator) -> None:
    """In folds.csv one frame of a test patient learns."""
    fold, path = drawn(FOLDS, random), clone.folder / FOLDS_CSV
    folds = read_folds(path)
    image_id = _row(_sides(clone, fold)[1], random)["image_id"]
    folds.loc[(folds["fold"] == fold) & (folds["image_id"] == image_id), "role"] = "train"
    _replace(path, lambda path: write_folds(path, folds))
    bless(clone)


def condition(clone: Clone, random: np.random.Generator) -> None:
    """A candidate was given a held-out patient's map."""
    fold = drawn(FOLDS, random)
    pool = clone.folder / f"data/pools/semantic/fold{fold}"
    ledger = read_ledger(pool)
    row = int(random.integers(len(ledger)))
    ledger.loc[row, "condition_image_id"] = _row(_sides(clone, fold)[1], random)["image_id"]
    _replace(pool / "ledger.parquet", lambda _: write_ledger(pool, ledger))
    bless(clone)


def select_by(clone: Clone, random: np.random.Generator) -> None:
    """A candidate was held against a held-out patient."""
    kind, fold = drawn(KINDS, random), drawn(FOLDS, random)
    folder = clone.folder / f"data/selected/{kind}/fold{fold}"
    selection = read_selection(folder)
    selection.loc[int(random.integers(len(selection))), "nearest_real_id"] = _row(_sides(clone, fold)[1], random)["image_id"]
    _replace(folder / "selection.parquet", lambda _: write_selection(folder, selection))
    bless(clone)


def draw(clone: Clone, random: np.random.Generator, part: str) -> None:
    """A classifier, of data/classifiers or data/curve, drew an image that it is scored on, or a random crop of one."""
    scenario = drawn(["real", "traditional", *KINDS], random)
    path = clone.folder / f"data/{part}/{scenario}/training.parquet"
    table = pd.read_parquet(path)
    row = int(random.integers(len(table)))
    held_out = _row(_sides(clone, int(table["fold"][row]))[1], random)["image_id"]
    table.loc[row, "image_id"] = held_out + ("~00003" if scenario == "traditional" else "")
    _replace(path, lambda path: table.to_parquet(path, index=False))
    bless(clone)


def score(clone: Clone, random: np.random.Generator, place: str) -> None:
    """A fold scores an image of another: one that it trained on."""
    scenario = drawn(["real", "traditional", *KINDS], random)
    path = clone.folder / place.format(scenario)
    table = read_predictions(path)
    image_id = drawn(sorted(table["image_id"].unique()), random)
    moved = table["image_id"] == image_id
    table.loc[moved, "fold"] = 1 - table.loc[moved, "fold"]
    _replace(path, lambda path: table.to_parquet(path, index=False))
    bless(clone)


def rescan(clone: Clone, random: np.random.Generator, disguise: Disguise) -> None:
    """A training image becomes a test image of another patient, scanned anew: scan, crops, map and hashes agree."""
    train, test = _sides(clone, drawn(FOLDS, random))
    mine, theirs = _row(train, random), _row(test, random)
    crops, scans = clone.folder / "data/crops", clone.folder / "data/scans"
    scan = disguise(read_image(crops / theirs["native_path"]), random)
    native = native_crop(scan, len(scan), "sector")
    image = fixed_crop(native, len(read_image(crops / theirs["path"])))
    scan_rows, rows = read_manifest(scans), read_manifest(crops)
    at = scan_rows["image_id"] == mine["image_id"]
    for path, pixels in (
        (scans / scan_rows.loc[at, "path"].iloc[0], scan),
        (crops / mine["native_path"], native),
        (crops / mine["path"], image),
        (crops / mine["map_path"], brightness_map(native, 5)),
    ):
        _replace(path, partial(write_image, pixels=pixels))
    scan_rows.loc[at, "pixel_hash"] = pixel_hash(scan)
    rows.loc[rows["image_id"] == mine["image_id"], ["pixel_hash", "scan_pixel_hash"]] = pixel_hash(image), pixel_hash(scan)
    for folder, table in ((scans, scan_rows), (crops, rows)):
        _replace(folder / "manifest.csv", lambda path, table=table: write_manifest(path.parent, table))
    bless(clone)


def paste(clone: Clone, random: np.random.Generator, column: str, owned: bool) -> None:
    """A training image's file holds a test image; `owned`: the manifest says so."""
    train, test = _sides(clone, drawn(FOLDS, random))
    mine, theirs = _row(train, random), _row(test, random)
    crops = clone.folder / "data/crops"
    pixels = read_image(crops / theirs[column])
    _replace(crops / mine[column], partial(write_image, pixels=pixels))
    if owned:
        rows = read_manifest(crops)
        rows.loc[rows["image_id"] == mine["image_id"], "pixel_hash"] = pixel_hash(pixels)
        _replace(crops / "manifest.csv", lambda _: write_manifest(crops, rows))
    bless(clone)


# DVC has blessed a second result of one stage
BLESSED = frozenset({"determinism"})
# the gate has judged other images, and what was computed from them does not come out again
IMAGES = BLESSED | {"gates", "memorisation", "numbers", "replay"}

MUTATIONS = [
    Mutation("a held-out patient in a model's card", "folds", name_in_card, BLESSED, variants=3),
    Mutation("an extractor trained while folds.csv was another", "folds", retrain, BLESSED | {"memorisation", "numbers"}),
    Mutation("a held-out frame made a training image in folds.csv", "folds", promote, IMAGES, variants=1),
    Mutation("a pool conditioned on a held-out patient's map", "folds", condition, BLESSED | {"gates", "replay"}),
    Mutation("a selection held against a held-out patient", "folds", select_by, BLESSED | {"gates", "memorisation"}),
    Mutation("a classifier drew a held-out image", "folds", partial(draw, part="classifiers"), BLESSED, variants=4),
    Mutation(
        "a held-out image in a training of the curve", "folds", partial(draw, part="curve"), BLESSED | {"gates"}, variants=4
    ),
    Mutation(
        "a fold scores an image that it trained on",
        "folds",
        partial(score, place="data/predictions/{}.parquet"),
        BLESSED | {"gates", "numbers"},
    ),
    Mutation(
        "a fold of the curve scores an image that it trained on",
        "folds",
        partial(score, place="data/curve/{}/predictions.parquet"),
        BLESSED | {"gates", "numbers"},
    ),
    Mutation("a test image's crop pasted over a training image's", "folds", partial(paste, column="path", owned=False), IMAGES),
    Mutation("the same, and the manifest owns to it", "folds", partial(paste, column="path", owned=True), IMAGES),
    Mutation("a test image's native crop pasted", "folds", partial(paste, column="native_path", owned=False), IMAGES),
    Mutation("a test image's map pasted", "folds", partial(paste, column="map_path", owned=False), IMAGES),
    *(
        Mutation(f"a rescan under another patient id, {name}", "folds", partial(rescan, disguise=disguise), IMAGES, variants=1)
        for name, disguise in DISGUISES.items()
    ),
]
