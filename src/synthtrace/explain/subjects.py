"""Which images are explained: held-out real ones, and synthetic ones that the classifier trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.cards import read_card
from synthtrace.images import load_stack
from synthtrace.params import REAL, Params
from synthtrace.seeds import Seeds
from synthtrace.tables import read_folds, read_ledger, read_manifest, read_selection, with_role


@dataclass(frozen=True)
class Subjects:
    """What is explained and against what.

    `table` has a row an image: image_id, source (`real` or the generator kind), label, label_name. `images` are theirs, uint8
    (N, C, S, S); `background` (B, C, S, S). `notes` say of what there was less than asked for.
    """

    table: pd.DataFrame
    images: np.ndarray
    background: np.ndarray
    notes: list[str]


def choose(root: Path, kind: str, params: Params) -> Subjects:
    """Draw the images to explain with the kept classifier of `kind`, from seeded streams.

    Up to `explain.images` a class of the fold's test images, and as many of the kept images of the fold's pool that this very
    classifier drew in training (paper 0: "taken from the training set of the classifier"). Real ones come from different
    patients as far as there are enough. The background is drawn from the fold's real training images.

    Raises:
        InputError: a file is missing or unreadable.
    """
    card = read_card(root / "data/classifiers" / kind)
    fold, wanted, seeds = int(card["fold"]), params.explain, Seeds(params.seed)
    crops = root / "data/crops"
    manifest, folds = read_manifest(crops), read_folds(root / "data/folds/folds.csv")
    candidates = {
        REAL: _from(crops, with_role(manifest, folds, fold, "test")),
        kind: _trained_on(root, kind, card),
    }
    parts, notes = [], []
    for source, rows in candidates.items():
        for label, label_name in enumerate(params.dataset.labels):
            of_class = rows[rows["label"] == label]
            stream = seeds.stream("explain", source, label)
            drawn = _spread(of_class.iloc[stream.permutation(len(of_class))]).head(wanted.images)
            parts.append(drawn.assign(source=source, label_name=label_name))
            if len(drawn) < wanted.images:
                notes.append(f"fold {fold} offers {len(drawn)} images of {source}, {label_name}; asked for {wanted.images}")
    table = pd.concat(parts, ignore_index=True)
    training = _from(crops, with_role(manifest, folds, fold, "train"))
    order = seeds.stream("explain", "background").permutation(len(training))[: wanted.background]
    if len(order) < wanted.background:
        notes.append(f"fold {fold} offers {len(order)} training images as background; asked for {wanted.background}")
    channels = params.preprocess.channels
    return Subjects(
        table=table[["image_id", "source", "label", "label_name"]],
        images=load_stack(table["file"], channels),
        background=load_stack(training["file"].iloc[order], channels),
        notes=notes,
    )


def _from(folder: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a table of images with the whole path of each in `file`."""
    return rows.assign(file=[folder / path for path in rows["path"]])


def _trained_on(root: Path, kind: str, card: dict) -> pd.DataFrame:
    """Ledger rows of the kept images that the kept classifier drew in training."""
    drawn = pd.read_parquet(root / "data/classifiers" / kind / "training.parquet")
    training = (drawn["backbone"] == card["backbone"]) & (drawn["seed"] == card["seed_index"]) & (drawn["fold"] == card["fold"])
    selection = read_selection(root / "data/selected" / kind / f"fold{card['fold']}")
    ids = set(drawn.loc[training, "image_id"]) & set(selection.loc[selection["kept"], "image_id"])
    pool = root / "data/pools" / kind / f"fold{card['fold']}"
    ledger = read_ledger(pool)
    # a synthetic image has no patient
    return _from(pool, ledger[ledger["image_id"].isin(ids)]).assign(patient_id=lambda rows: rows["image_id"])


def _spread(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows with every patient's first before any patient's second, and so on."""
    turn = rows.groupby("patient_id").cumcount()
    return rows.loc[turn.sort_values(kind="stable").index]
