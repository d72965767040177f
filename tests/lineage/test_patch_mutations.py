"""What the studies of papers 3 and 4 have more than the main one, broken: the named check catches it."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from mutation import bless, flip_byte, outcomes
from pipeline_clone import Clone

from synthtrace.tables import read_folds, read_ledger, read_selection, write_ledger, write_selection


def _rewritten(path: Path, content: str) -> None:
    """A file anew: what DVC linked stays as it is."""
    path.unlink()
    path.write_text(content, encoding="utf-8")


def _labelled(clone: Clone) -> str:
    """A patch that the first subset trains on."""
    folds = read_folds(clone.folder / "data/folds/folds.csv")
    return str(folds.loc[(folds["fold"] == 0) & (folds["role"] == "train"), "image_id"].iloc[0])


def _pretrained_on(folder: str, clone: Clone) -> None:
    """The card of a pre-trained model owns to a patch that a subset tests or trains on."""
    path = clone.folder / folder / "card.json"
    card = json.loads(path.read_text())
    card["image_ids"] = sorted([*card["image_ids"], _labelled(clone)])
    _rewritten(path, json.dumps(card, indent=2, sort_keys=True) + "\n")
    bless(clone)


def denoiser_saw_a_labelled_patch(clone: Clone) -> None:
    _pretrained_on("data/denoisers/guided", clone)


def autoencoder_saw_a_labelled_patch(clone: Clone) -> None:
    _pretrained_on("data/autoencoders/pretrained/shared", clone)


def denoiser_has_another_byte(clone: Clone) -> None:
    flip_byte(next((clone.folder / "data/denoisers/guided").rglob("*.safetensors")), -5)


def generator_has_another_denoiser(clone: Clone) -> None:
    """The denoiser's weights change with DVC's blessing; generators and pools stay."""
    path = next((clone.folder / "data/denoisers/guided").rglob("*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-5] ^= 0xFF
    path.unlink()
    path.write_bytes(bytes(content))
    bless(clone)


def selection_is_more_generous(clone: Clone) -> None:
    """A candidate whose realism is below the threshold gets a score above it and is kept, and DVC takes it."""
    folder = clone.folder / "data/selected/gan/fold0"
    table = read_selection(folder)
    row = table["realism"].idxmin()
    table.loc[row, "realism"], table.loc[row, "kept"] = 2.0, True
    (folder / "selection.parquet").unlink()
    write_selection(folder, table)
    bless(clone)


def guidance_is_another(clone: Clone) -> None:
    pool = clone.folder / "data/pools/guided/fold1"
    ledger = read_ledger(pool)
    ledger["guidance_scale"] = 2.0
    (pool / "ledger.parquet").unlink()
    write_ledger(pool, ledger)
    bless(clone)


def a_score_is_better(clone: Clone) -> None:
    path = clone.folder / "metrics/curve.json"
    curve = json.loads(path.read_text())
    next(point for point in curve["runs"][0]["points"] if "scores" in point)["scores"]["sensitivity"]["mean"] += 0.01
    _rewritten(path, json.dumps(curve, indent=2) + "\n")
    bless(clone)


def alone_is_not_alone(clone: Clone) -> None:
    """A training on synthetic images alone was given a test patch."""
    folds = read_folds(clone.folder / "data/folds/folds.csv")
    test = folds.loc[(folds["fold"] == 0) & (folds["role"] == "test"), "image_id"].iloc[0]
    path = clone.folder / "data/curve/unet/training.parquet"
    table = pd.read_parquet(path)
    row = table.index[(table["mode"] == "synthetic") & (table["fold"] == 0)][0]
    table.loc[row, "image_id"] = test
    path.unlink()
    table.to_parquet(path, index=False)
    bless(clone)


def variety_is_greater(clone: Clone) -> None:
    path = clone.folder / "metrics/fidelity.json"
    fidelity = json.loads(path.read_text())
    row = next(row for row in fidelity["kinds"] if row["part"] == "drawn" and row["ms_ssim"]["mean"] is not None)
    row["ms_ssim"]["mean"] *= 0.5
    _rewritten(path, json.dumps(fidelity, indent=2) + "\n")
    bless(clone)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (denoiser_saw_a_labelled_patch, "folds"),
        (autoencoder_saw_a_labelled_patch, "folds"),
        (denoiser_has_another_byte, "bytes"),
        (generator_has_another_denoiser, "folds"),
        (selection_is_more_generous, "memorisation"),
        (guidance_is_another, "replay"),
        (a_score_is_better, "numbers"),
        (alone_is_not_alone, "folds"),
        (variety_is_greater, "numbers"),
    ],
)
def test_it_is_caught_by_the_named_check(patches: Clone, tmp_path: Path, change: Callable[[Clone], None], check: str) -> None:
    clone = patches.copied(tmp_path / "clone")
    change(clone)
    found = {outcome.id: outcome.findings for outcome in outcomes(clone).values() if outcome.status == "fail"}
    assert check in found, found
    assert len(found) <= 8
