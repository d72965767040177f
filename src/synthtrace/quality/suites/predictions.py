"""Predictions of the comparison and of the curve: every test image of every fold, predicted once a training."""

from collections.abc import Mapping

import great_expectations as gx
import numpy as np
import pandas as pd

from synthtrace.params import Params
from synthtrace.quality import expect
from synthtrace.quality.measure import agree
from synthtrace.tables import CURVE, CURVE_SETTINGS, PREDICTIONS, curve_settings

CLASSIFY = "classify"
CLASSIFY_AGAIN = "Run `dvc repro -f classify_real classify_traditional classify`."
# the comparison's selection and mode are a study's only ones
ONLY = "-"
CURVE_AGAIN = "Run `dvc repro -f curve_real curve_traditional curve`."
AGAIN = f"For run {CLASSIFY}: {CLASSIFY_AGAIN} For another run: {CURVE_AGAIN}"
# what was trained once a fold
TRAINING = ["run", "scenario", "selection", "mode", "backbone", "mixing_rate", "seed"]
# what is drawn as one point of the curve
POINT = CURVE_SETTINGS[:-1]

Tables = Mapping[str, pd.DataFrame]


def measure(
    predictions: Tables, curve: Tables, unfilled: Tables, manifest: pd.DataFrame, folds: pd.DataFrame, params: Params
) -> dict[str, pd.DataFrame]:
    """Tables predictions, trainings, coverage, scenarios, backbones and curve.

    Args:
        predictions: of the comparison, by scenario; they are the run `classify`.
        curve: of the curve, by scenario.
        unfilled: points of the curve that have no predictions because a selection kept too few, by scenario.
        manifest: the crops'.
        folds: the folds table.
        params: say which classes, backbones and points of the curve there should be.
    """
    columns = [f"p{label}" for label in range(len(params.dataset.labels))]
    compared = [table.assign(run=CLASSIFY, scenario=name, selection=ONLY, mode=ONLY) for name, table in predictions.items()]
    tables = compared + list(curve.values())
    rows = pd.concat([_rows(table, columns) for table in tables], ignore_index=True)
    facts = manifest.drop_duplicates("image_id").set_index("image_id")
    rows["same_label"] = agree(rows["image_id"].map(facts["label"]), rows["label"])
    rows["same_patient"] = agree(rows["image_id"].map(facts["patient_id"]), rows["patient_id"])
    roles = folds.drop_duplicates(["fold", "image_id"]).set_index(["fold", "image_id"])["role"]
    rows["role"] = roles.reindex(pd.MultiIndex.from_frame(rows[["fold", "image_id"]])).fillna("none").to_numpy()
    trainings = rows.groupby(TRAINING)["first"].agg(["min", "max"]).reset_index()
    trainings["spread"] = trainings["max"] - trainings["min"]
    of_classify = rows["run"] == CLASSIFY
    return {
        "predictions": rows,
        "trainings": trainings,
        "coverage": _coverage(rows, trainings, folds),
        "scenarios": pd.DataFrame(
            [_held(CLASSIFY, name, table) for name, table in predictions.items()]
            + [_held("curve", name, table) for name, table in curve.items()]
        ),
        "backbones": _backbones(rows[of_classify], list(predictions), params.classifier.backbones),
        "curve": _settings(rows[~of_classify], pd.concat(unfilled.values()), params),
    }


def _rows(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """A predictions table with facts of its probabilities; a column that is missing is reported by table `scenarios`."""
    rows = table[CURVE].reset_index(drop=True)
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


def _held(run: str, scenario: str, table: pd.DataFrame) -> dict[str, str | None]:
    """The probabilities of a table, and which scenario it says that it holds."""
    held = sorted(set(table["scenario"])) if "scenario" in table.columns else [scenario]
    return {
        "run": run,
        "scenario": scenario,
        "columns": ", ".join(column for column in table.columns if column not in (*CURVE, *PREDICTIONS)),
        "others": ", ".join(name for name in held if name != scenario) or None,
    }


def _coverage(rows: pd.DataFrame, trainings: pd.DataFrame, folds: pd.DataFrame) -> pd.DataFrame:
    """How often each training predicts each test image of each fold."""
    tested = folds.loc[folds["role"] == "test", ["fold", "image_id"]].drop_duplicates()
    counts = rows.groupby([*TRAINING, "fold", "image_id"]).size().rename("predictions").reset_index()
    wanted = trainings[TRAINING].merge(tested, how="cross").merge(counts, on=[*TRAINING, "fold", "image_id"], how="left")
    return wanted.assign(predictions=wanted["predictions"].fillna(0).astype(int))


def _backbones(rows: pd.DataFrame, scenarios: list[str], backbones: list[str]) -> pd.DataFrame:
    """Seeds and mixing rates of each scenario and backbone of the comparison, the declared and the found ones."""
    found = rows.groupby(["scenario", "backbone"]).agg(seeds=("seed", "nunique"), rates=("mixing_rate", "nunique"))
    wanted = pd.MultiIndex.from_product([scenarios, backbones], names=["scenario", "backbone"]).to_frame(index=False)
    table = wanted.merge(found.reset_index(), on=["scenario", "backbone"], how="outer")
    return table.assign(present=table["seeds"].notna(), declared=table["backbone"].isin(backbones))


def _settings(rows: pd.DataFrame, unfilled: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Points of the curve, the declared and the found ones; `missing` seeds of a declared one, `further` ones of it.

    `there`: it has predictions or is listed as unfilled; `twice`: it is both; `short`, of those listed: too few were kept in
    some fold.
    """
    found = rows.groupby(POINT)["seed"].agg(lambda seeds: sorted(set(seeds))).rename("found").reset_index()
    settings = curve_settings(params.curve, params.classifier)
    listed = unfilled.assign(short=unfilled["kept"] < unfilled["needed"]).astype({"mixing_rate": float})
    listed = listed.groupby([name for name in POINT if name != "backbone"])["short"].any().reset_index()
    listed = listed.merge(settings[["run", "backbone"]].drop_duplicates(), on="run", how="left")
    table = settings.merge(found, on=POINT, how="outer").merge(listed, on=POINT, how="outer")
    of_list = table["short"].notna()
    wanted = [set(range(int(count))) if count == count else None for count in table["seeds"]]
    seeds = [set(part) if isinstance(part, list) else None for part in table["found"]]
    present = np.array([part is not None for part in seeds], dtype=bool)
    table["there"], table["twice"] = present | of_list, present & of_list
    table["short"] = table["short"].astype(object).where(of_list, None)
    table["declared"] = [part is not None for part in wanted]
    for name, odd in {"missing": lambda asked, held: asked - held, "further": lambda asked, held: held - asked}.items():
        table[name] = [
            (", ".join(map(str, sorted(odd(asked, held)))) or None) if asked is not None and held is not None else None
            for asked, held in zip(wanted, seeds, strict=True)
        ]
    return table.drop(columns="found")


def expected(params: Params) -> list[gx.ExpectationSuite]:
    """What is expected in a study with these parameters."""
    return suites(params.dataset.labels, params.classifier.seeds)


def suites(labels: list[str], seeds: int) -> list[gx.ExpectationSuite]:
    """What is expected of predictions; the comparison has `seeds` trainings a backbone and fold."""
    columns = ", ".join(f"p{label}" for label in range(len(labels)))
    return [
        expect.table_suite(
            "scenarios",
            ["run", "scenario"],
            [
                expect.one_of("columns", [columns], f"probabilities are {columns}", AGAIN),
                expect.empty("others", "a scenario's table holds no other scenario", AGAIN),
            ],
        ),
        expect.table_suite(
            "backbones",
            ["scenario", "backbone"],
            [
                expect.true("present", "every backbone of classifier.backbones is there", CLASSIFY_AGAIN),
                expect.true("declared", "every backbone is one of classifier.backbones", CLASSIFY_AGAIN),
                expect.one_of("seeds", [seeds], f"every backbone has {seeds} seeds", CLASSIFY_AGAIN),
                expect.one_of("rates", [1], "every backbone has one mixing rate", CLASSIFY_AGAIN),
            ],
        ),
        expect.table_suite(
            "curve",
            POINT,
            [
                expect.true("there", "every point of curve.runs is there, or listed as unfilled", CURVE_AGAIN),
                expect.true("declared", "every point of the curve is one of curve.runs", CURVE_AGAIN),
                expect.one_of("twice", [False], "no unfilled point of the curve has predictions", CURVE_AGAIN),
                expect.true("short", "a selection kept too few for every unfilled point", CURVE_AGAIN),
                expect.empty("missing", "every point of the curve has all seeds of its run", CURVE_AGAIN),
                expect.empty("further", "no point of the curve has more seeds than its run", CURVE_AGAIN),
            ],
        ),
        expect.table_suite(
            "predictions",
            [*TRAINING, "fold", "image_id"],
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
            [*TRAINING, "fold", "image_id"],
            [expect.one_of("predictions", [1], "every run predicts every test image once", AGAIN)],
        ),
        expect.table_suite(
            "trainings",
            TRAINING,
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
