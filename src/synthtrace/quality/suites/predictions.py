"""Predictions: every test image of every fold, predicted once a run."""

from collections.abc import Mapping

import great_expectations as gx
import numpy as np
import pandas as pd

from synthtrace.params import Params
from synthtrace.quality import expect
from synthtrace.quality.measure import agree
from synthtrace.tables import PREDICTIONS

AGAIN = "Run `dvc repro -f classify_real classify_traditional classify`."
RUN = ["scenario", "backbone", "mixing_rate", "seed"]


def measure(
    predictions: Mapping[str, pd.DataFrame],
    manifest: pd.DataFrame,
    folds: pd.DataFrame,
    labels: list[str],
    backbones: list[str],
) -> dict[str, pd.DataFrame]:
    """Tables predictions, runs, coverage, scenarios and backbones; `predictions` by scenario, `manifest` the crops'."""
    columns = [f"p{label}" for label in range(len(labels))]
    rows = pd.concat([_rows(table, columns).assign(scenario=name) for name, table in predictions.items()], ignore_index=True)
    facts = manifest.drop_duplicates("image_id").set_index("image_id")
    rows["same_label"] = agree(rows["image_id"].map(facts["label"]), rows["label"])
    rows["same_patient"] = agree(rows["image_id"].map(facts["patient_id"]), rows["patient_id"])
    roles = folds.drop_duplicates(["fold", "image_id"]).set_index(["fold", "image_id"])["role"]
    rows["role"] = roles.reindex(pd.MultiIndex.from_frame(rows[["fold", "image_id"]])).fillna("none").to_numpy()
    runs = rows.groupby(RUN)["first"].agg(["min", "max"]).reset_index()
    runs["spread"] = runs["max"] - runs["min"]
    scenarios = [
        {"scenario": name, "columns": ", ".join(column for column in table.columns if column not in PREDICTIONS)}
        for name, table in predictions.items()
    ]
    return {
        "predictions": rows,
        "runs": runs,
        "coverage": _coverage(rows, runs, folds),
        "scenarios": pd.DataFrame(scenarios),
        "backbones": _backbones(rows, list(predictions), backbones),
    }


def _rows(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """A predictions table with facts of its probabilities; a column that is missing is reported by table `scenarios`."""
    rows = table[PREDICTIONS].reset_index(drop=True)
    present = [column for column in columns if column in table.columns]
    whole = present == columns
    values = table[present or ["label"]].to_numpy(dtype=float)
    finite = np.isfinite(values).all(axis=1) & bool(present)
    rows["finite"] = finite
    rows["lowest"] = np.where(finite, values.min(axis=1), np.nan)
    rows["highest"] = np.where(finite, values.max(axis=1), np.nan)
    rows["sum"] = np.where(finite & whole, values.sum(axis=1), np.nan)
    rows["first"] = np.where(finite, values[:, 0], np.nan)
    return rows


def _coverage(rows: pd.DataFrame, runs: pd.DataFrame, folds: pd.DataFrame) -> pd.DataFrame:
    """How often each run predicts each test image of each fold."""
    tested = folds.loc[folds["role"] == "test", ["fold", "image_id"]].drop_duplicates()
    counts = rows.groupby([*RUN, "fold", "image_id"]).size().rename("predictions").reset_index()
    wanted = runs[RUN].merge(tested, how="cross").merge(counts, on=[*RUN, "fold", "image_id"], how="left")
    return wanted.assign(predictions=wanted["predictions"].fillna(0).astype(int))


def _backbones(rows: pd.DataFrame, scenarios: list[str], backbones: list[str]) -> pd.DataFrame:
    """Seeds and mixing rates of each scenario and backbone, the declared and the found ones."""
    found = rows.groupby(["scenario", "backbone"]).agg(seeds=("seed", "nunique"), rates=("mixing_rate", "nunique"))
    wanted = pd.MultiIndex.from_product([scenarios, backbones], names=["scenario", "backbone"]).to_frame(index=False)
    table = wanted.merge(found.reset_index(), on=["scenario", "backbone"], how="outer")
    return table.assign(present=table["seeds"].notna(), declared=table["backbone"].isin(backbones))


def expected(params: Params) -> list[gx.ExpectationSuite]:
    """What is expected in a study with these parameters."""
    return suites(params.dataset.labels, params.classifier.seeds)


def suites(labels: list[str], seeds: int) -> list[gx.ExpectationSuite]:
    """What is expected of predictions of `seeds` runs a backbone."""
    columns = ", ".join(f"p{label}" for label in range(len(labels)))
    return [
        expect.table_suite(
            "scenarios", ["scenario"], [expect.one_of("columns", [columns], f"probabilities are {columns}", AGAIN)]
        ),
        expect.table_suite(
            "backbones",
            ["scenario", "backbone"],
            [
                expect.true("present", "every backbone of classifier.backbones is there", AGAIN),
                expect.true("declared", "every backbone is one of classifier.backbones", AGAIN),
                expect.one_of("seeds", [seeds], f"every backbone has {seeds} seeds", AGAIN),
                expect.one_of("rates", [1], "every backbone has one mixing rate", AGAIN),
            ],
        ),
        expect.table_suite(
            "predictions",
            [*RUN, "fold", "image_id"],
            [
                expect.true(
                    "finite", "probabilities are numbers", f"Training diverged: lower classifier.learning_rate. {AGAIN}"
                ),
                expect.between("lowest", 0, None, "probabilities are not negative", AGAIN),
                expect.between("highest", None, 1, "probabilities are at most 1", AGAIN),
                expect.between("sum", 1 - 1e-4, 1 + 1e-4, "probabilities sum to 1", AGAIN),
                expect.one_of("role", ["test"], "every predicted image is a test image of its fold", f"It leaked. {AGAIN}"),
                expect.true("same_label", "labels are those of the crops' manifest", AGAIN),
                expect.true("same_patient", "patients are those of the crops' manifest", AGAIN),
            ],
        ),
        expect.table_suite(
            "coverage",
            [*RUN, "fold", "image_id"],
            [expect.one_of("predictions", [1], "every run predicts every test image once", AGAIN)],
        ),
        expect.table_suite(
            "runs",
            RUN,
            [
                expect.between(
                    "spread",
                    1e-9,
                    None,
                    "a run's probabilities differ between images",
                    "The classifier learned nothing: train longer (classifier.steps) or change its learning rate.",
                    "warning",
                )
            ],
        ),
    ]
