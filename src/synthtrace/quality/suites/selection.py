"""Selections: which candidates of a pool are kept."""

from collections.abc import Iterable
from pathlib import Path

import great_expectations as gx
import pandas as pd

from synthtrace.params import Params
from synthtrace.quality import expect
from synthtrace.quality.measure import agree
from synthtrace.tables import SELECTION, read_candidates, read_ledger, read_selection

SELECT = "Run `dvc repro -f select@<kind>-<fold>`."
POOL = ["kind", "fold"]
MEASURED = ["scored", "as_scored", "kept_copy", "equal_real"]


def measure(
    pools: Path, scored: Path, selected: Path, manifest: pd.DataFrame, folds: pd.DataFrame, kind: str, labels: list[str]
) -> dict[str, pd.DataFrame]:
    """Tables pools, selection and classes of a kind in every fold of `folds` (folds.csv); `manifest` is the crops'.

    A selection that is not there is a row of `pools` and nothing else.
    """
    selections, present = [], []
    for fold in sorted(folds["fold"].unique()):
        chosen, place = selected / kind / f"fold{fold}", {"kind": kind, "fold": fold}
        there = (chosen / "selection.parquet").is_file()
        present.append({**place, "selection": there, "wrong_rows": 0})
        if there:
            ledger, table = read_ledger(pools / kind / f"fold{fold}"), read_candidates(scored / kind / f"fold{fold}")
            selection = read_selection(chosen)
            present[-1]["wrong_rows"] = _wrong_rows(ledger, selection)
            selections.append(_selection(ledger, table, selection, manifest).assign(**place))
    columns = [*SELECTION, *MEASURED, *POOL]
    selection = pd.concat(selections, ignore_index=True) if selections else pd.DataFrame(columns=columns)
    pool_table = pd.DataFrame(present)
    return {"pools": pool_table, "selection": selection, "classes": _classes(selection, pool_table, labels)}


def _wrong_rows(ledger: pd.DataFrame, selection: pd.DataFrame) -> int:
    """How many candidates of a pool have no row, or several, in its selection."""
    counts = ledger["image_id"].map(selection["image_id"].value_counts()).fillna(0)
    return int((counts != 1).sum())


def _selection(ledger: pd.DataFrame, table: pd.DataFrame, selection: pd.DataFrame, manifest: pd.DataFrame) -> pd.DataFrame:
    """A selection with what scores, ledger and real images say of the same candidates."""
    found = selection[SELECTION].reset_index(drop=True)
    own = table.drop_duplicates("image_id").set_index("image_id")
    found["scored"] = found["image_id"].isin(own.index)
    found["as_scored"] = agree(found["image_id"].map(own["copy"]), found["copy"])
    found["kept_copy"] = found["kept"].astype(bool) & found["copy"].astype(bool)
    pixels = ledger.drop_duplicates("image_id").set_index("image_id")["pixel_hash"]
    real = manifest.groupby("pixel_hash")["image_id"].agg(lambda ids: ", ".join(ids))
    found["equal_real"] = found["image_id"].map(pixels).map(real).where(found["kept"].astype(bool))
    return found


def _classes(selection: pd.DataFrame, pools: pd.DataFrame, labels: Iterable[str]) -> pd.DataFrame:
    """Kept images of each class in each selection that is there."""
    counts = selection[selection["kept"].astype(bool)].groupby([*POOL, "label"]).size()
    there = pools[pools["selection"]]
    rows = [
        {"kind": kind, "fold": fold, "label_name": name, "kept": int(counts.get((kind, fold, label), 0))}
        for kind, fold in zip(there["kind"], there["fold"], strict=True)
        for label, name in enumerate(labels)
    ]
    return pd.DataFrame(rows, columns=[*POOL, "label_name", "kept"])


def expected(params: Params) -> list[gx.ExpectationSuite]:
    """What is expected of the selections of a kind."""
    return [
        expect.table_suite(
            "pools",
            POOL,
            [
                expect.true("selection", "every pool has a selection", SELECT),
                expect.one_of("wrong_rows", [0], "every candidate stands once in the selection", SELECT),
            ],
        ),
        expect.table_suite(
            "selection",
            [*POOL, "image_id", "kept"],
            [
                expect.true("scored", "every row of a selection was scored", SELECT),
                expect.true("as_scored", "a copy is one by its scores", SELECT),
                expect.one_of("kept_copy", [False], "no copy is kept", SELECT),
                expect.empty(
                    "equal_real", "no kept image is pixel-identical to a real one", f"It would be no synthetic image. {SELECT}"
                ),
            ],
        ),
        expect.table_suite(
            "classes",
            [*POOL, "label_name"],
            [
                expect.between(
                    "kept",
                    1,
                    None,
                    "every class keeps images",
                    "The classifier sees no synthetic image of this class: raise sample.images or change sample.labels.",
                    "warning",
                )
            ],
        ),
    ]
