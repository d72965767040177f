"""Folds: which image learns and which one judges, and that neither patients nor pixels are on both sides."""

import great_expectations as gx
import pandas as pd

from synthtrace.params import Params, Split
from synthtrace.quality import expect
from synthtrace.quality.measure import agree, equal_pixels, grouping
from synthtrace.quality.subsets import balance, common, of_subsets
from synthtrace.tables import FOLDS, ROLES

AGAIN = "Run `dvc repro -f split`."


def measure(manifest: pd.DataFrame, table: pd.DataFrame, split: Split, patient_ids: str) -> dict[str, pd.DataFrame]:
    """Tables assignments, folds, coverage, tests, classes and dataset; with subsets also common and balance.

    `manifest` is the crops', `table` the folds'.
    """
    folds = split.folds
    facts = manifest.assign(group=grouping(manifest, patient_ids)).drop_duplicates("image_id").set_index("image_id")
    rows = table[FOLDS].reset_index(drop=True)
    for column in ("label_name", "group", "pixel_hash", "scan_pixel_hash"):
        rows[column] = rows["image_id"].map(facts[column])
    rows["known"] = rows["image_id"].isin(facts.index)
    rows["same_patient"] = agree(rows["image_id"].map(facts["patient_id"]), rows["patient_id"])
    side = rows["role"].where(rows["role"].isin(["train", "val", "test"])).astype(object)
    rows["sides"] = _sides(rows, side)
    for column in ("pixel_hash", "scan_pixel_hash"):
        parts = [equal_pixels(part, column, side[part.index], same=False) for _, part in rows.groupby("fold")]
        rows[f"equal_{column}"] = pd.concat(parts) if parts else None
    present = [fold for fold in folds if (rows["fold"] == fold).any()]
    subsets = (
        {} if split.protocol == "kfold" else {"common": common(rows, present), "balance": balance(manifest, rows, present)}
    )
    return {
        "assignments": rows,
        "folds": pd.DataFrame({"fold": folds, "present": [fold in present for fold in folds]}),
        "coverage": _coverage(manifest, rows, present),
        "tests": _tests(manifest, rows, split),
        "classes": _classes(manifest, rows, present),
        "dataset": pd.DataFrame({"patient_ids": [patient_ids]}),
    } | subsets


def _sides(rows: pd.DataFrame, side: pd.Series) -> pd.Series:
    """The sides on which a row's group is in its fold, where they are several."""
    found = rows[["fold", "group"]].assign(side=side).dropna().drop_duplicates().sort_values("side")
    several = found[found.duplicated(["fold", "group"], keep=False)]
    named = several.groupby(["fold", "group"])["side"].agg(", ".join).rename("sides").reset_index()
    return rows[["fold", "group"]].merge(named, on=["fold", "group"], how="left")["sides"].astype(object)


def _coverage(manifest: pd.DataFrame, rows: pd.DataFrame, folds: list[int]) -> pd.DataFrame:
    """How often each image of the manifest stands in each fold."""
    counts = rows.groupby(["fold", "image_id"]).size()
    wanted = pd.MultiIndex.from_product([folds, manifest["image_id"].unique()], names=["fold", "image_id"])
    return counts.reindex(wanted, fill_value=0).rename("roles").reset_index()


def _tests(manifest: pd.DataFrame, rows: pd.DataFrame, split: Split) -> pd.DataFrame:
    """How often each image of the manifest is a test image in each round: of subsets, each that is one anywhere."""
    tested = rows[rows["role"] == "test"]
    counts = tested.groupby([tested["fold"] // split.folds_a_round, "image_id"]).size()
    images = manifest["image_id"] if split.protocol == "kfold" else tested["image_id"]
    wanted = pd.MultiIndex.from_product([range(split.rounds), images.unique()], names=["round", "image_id"])
    return counts.reindex(wanted, fill_value=0).rename("tests").reset_index()


def _classes(manifest: pd.DataFrame, rows: pd.DataFrame, folds: list[int]) -> pd.DataFrame:
    """Patients (groups) of each class on each side of each fold."""
    counts = rows.groupby(["fold", "role", "label_name"])["group"].nunique()
    names = ["fold", "role", "label_name"]
    wanted = pd.MultiIndex.from_product([folds, ["train", "test"], sorted(manifest["label_name"].unique())], names=names)
    return counts.reindex(wanted, fill_value=0).rename("patients").reset_index()


def expected(params: Params) -> list[gx.ExpectationSuite]:
    """What is expected in a study with these parameters."""
    return suites(params.split, params.dataset.patient_ids)


def suites(split: Split, patient_ids: str) -> list[gx.ExpectationSuite]:
    """What is expected of folds."""
    unit = "patient" if patient_ids == "manifest" else "group of images"
    subsets = split.protocol == "subsets"
    tested = "test image" if subsets else "image"
    apart = "Leave one of the images out at the source, or give both one patient_id (group_id)."
    return [
        expect.table_suite(
            "assignments",
            ["fold", "image_id", "patient_id", "role"],
            [
                expect.one_of("role", ROLES, f"roles are {', '.join(ROLES)}", AGAIN),
                expect.one_of("fold", split.folds, "folds are those of split.folds", AGAIN),
                expect.true("known", "every image is in the crops' manifest", AGAIN),
                expect.true("same_patient", "patients are those of the crops' manifest", AGAIN),
                expect.empty(
                    "sides", f"no {unit} is on two sides of a fold", f"A model would be judged on what it saw. {AGAIN}"
                ),
                expect.empty("equal_pixel_hash", "no pixel-identical crop is on two sides of a fold", apart),
                expect.empty("equal_scan_pixel_hash", "no pixel-identical scan is on two sides of a fold", apart),
            ],
        ),
        expect.table_suite("folds", ["fold"], [expect.true("present", "every fold is there", AGAIN)]),
        expect.table_suite(
            "coverage", ["fold", "image_id"], [expect.one_of("roles", [1], "every image has one role a fold", AGAIN)]
        ),
        expect.table_suite(
            "tests", ["round", "image_id"], [expect.one_of("tests", [1], f"every {tested} is tested once a round", AGAIN)]
        ),
        expect.table_suite(
            "classes",
            ["fold", "role", "label_name"],
            [
                expect.between(
                    "patients",
                    1,
                    None,
                    f"every class has a {unit} in train and test",
                    f"{'Raise split.subset_share' if subsets else 'Lower split.folds'} or add patients of this class.",
                )
            ],
        ),
        *(of_subsets(unit) if subsets else []),
        expect.patients_known(),
    ]
