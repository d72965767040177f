"""The split of a study with one test set: whole patients on one side, and on the test's side what is to be there."""

import great_expectations as gx
import pandas as pd

from synthtrace.params import Split
from synthtrace.params.segmentation import Holdout
from synthtrace.quality import expect
from synthtrace.quality.suites import folds
from synthtrace.quality.suites.folds import AGAIN

# as the gate of folds sees it: one fold, whose training images are all that do not test
ONE_SUBSET = Split(
    protocol="subsets",
    folds=[0],
    repeats=1,
    column=None,
    test=None,
    test_share=0.5,
    val_share=0.0,
    subset_share=1.0,
)
SHARED = ("assignments", "folds", "coverage")


def measure(manifest: pd.DataFrame, table: pd.DataFrame, split: Holdout, patient_ids: str) -> dict[str, pd.DataFrame]:
    """Tables assignments, folds, coverage and dataset of `folds.measure`, and sides and named.

    `manifest` is the crops', `table` the folds'. Of an image, `named` is whether `split.test` names it, and `side` whether its
    role is what follows from that; empty where a share was drawn.
    """
    shared = folds.measure(manifest, table, ONE_SUBSET, patient_ids)
    rows = table[["image_id", "patient_id", "role"]].copy()
    rows["as_named"] = None
    if split.column is not None:
        value = rows["image_id"].map(manifest.drop_duplicates("image_id").set_index("image_id")[split.column]).map(_text)
        rows["as_named"] = value.isin(split.test or []) == (rows["role"] == "test")
        rows["value"] = value
    roles = ["train", "test"]
    return {name: shared[name] for name in (*SHARED, "dataset")} | {
        "named": rows,
        "sides": pd.DataFrame({"role": roles, "images": [int((table["role"] == role).sum()) for role in roles]}),
    }


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def suites(split: Holdout, patient_ids: str) -> list[gx.ExpectationSuite]:
    """What is expected of the split."""
    named = [expect.one_of("role", ["train", "test"], "an image trains or tests", AGAIN)]
    if split.column is not None:
        which = f"test images are those whose {split.column} is {', '.join(split.test or [])}"
        named.append(expect.true("as_named", which, AGAIN))
    more = "Change split.test, or add images."
    return [
        *(suite for suite in folds.suites(ONE_SUBSET, patient_ids) if suite.name in SHARED),
        expect.table_suite("named", ["image_id", "patient_id", "role"], named),
        expect.table_suite("sides", ["role"], [expect.between("images", 1, None, "images train, and images test", more)]),
        expect.patients_known(),
    ]
