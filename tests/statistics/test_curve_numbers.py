import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from synthtrace.compare import curve_from_predictions
from synthtrace.errors import InputError
from synthtrace.tables import curve_settings, read_curve

PATIENTS = {0: 17, 1: 38}


def a_run(**changes):
    run = {"backbone": "net", "freezing": "partial", "balanced": False, "seeds": 3, "scenarios": ["class"], "rates": None}
    return run | changes


RUNS = [
    a_run(scenarios=["traditional", "class"]),
    a_run(freezing="all", rates=[2.0]),
    a_run(balanced=True, seeds=2, rates=[0.5]),
]


def write_curve(folder, table):
    table.to_parquet(folder / "predictions.parquet", index=False)


def write(folder, params, predict, patients=PATIENTS):
    """A prediction of everything that `params` asks for; other noise at every point, more signal at a higher rate."""
    points = curve_settings(params.curve)
    for scenario, settings in points.groupby("scenario"):
        (folder / scenario).mkdir(exist_ok=True)
        tables = [
            predict(
                patients,
                signal=1 + row.mixing_rate,
                seeds=row.seeds,
                noise_seed=int(index),
                backbone=row.backbone,
                rate=row.mixing_rate,
                repeats=params.split.repeats,
            ).assign(run=row.run, scenario=scenario)
            for index, row in settings.iterrows()
        ]
        write_curve(folder / scenario, pd.concat(tables, ignore_index=True))
    return folder


@pytest.fixture
def params(settings):
    return settings(curve={"rates": [0.5, 1.5], "runs": RUNS})


@pytest.fixture
def folder(tmp_path, params, predict):
    return write(tmp_path, params, predict)


def test_every_point_is_asked_for_once_real_images_first(params):
    points = list(curve_settings(params.curve).itertuples(index=False, name=None))
    assert points == [
        ("net partial", "real", "net", 0.0, 3),
        ("net partial", "traditional", "net", 0.5, 3),
        ("net partial", "traditional", "net", 1.5, 3),
        ("net partial", "class", "net", 0.5, 3),
        ("net partial", "class", "net", 1.5, 3),
        ("net all", "real", "net", 0.0, 3),
        ("net all", "class", "net", 2.0, 3),
        ("net partial balanced", "real", "net", 0.0, 2),
        ("net partial balanced", "class", "net", 0.5, 2),
    ]


def test_the_curve_has_the_contracts_fields_in_order_and_is_plain_json(folder, params):
    curve, _, _ = curve_from_predictions(folder, params)
    assert json.loads(json.dumps(curve, allow_nan=False)) == curve
    assert list(curve) == ["patients", "images", "runs"]
    assert (curve["patients"], curve["images"]) == (55, 165)
    assert [run["name"] for run in curve["runs"]] == ["net partial", "net all", "net partial balanced"]
    run = curve["runs"][0]
    assert list(run) == ["name", "backbone", "freezing", "balanced", "seeds", "points"]
    real, *points = run["points"]
    levels = ["scenario", "mixing_rate", "auc_image", "auc_patient", "auc_fold"]
    assert list(real) == levels
    assert [(point["scenario"], point["mixing_rate"]) for point in points] == [
        ("traditional", 0.5),
        ("traditional", 1.5),
        ("class", 0.5),
        ("class", 1.5),
    ]
    for point in points:
        assert list(point) == [*levels, "versus_real", "versus_real_patient"]
        assert list(point["auc_fold"]) == ["mean", "sd"]
        assert list(point["versus_real"]) == ["difference", "ci95", "t", "p", "p_holm"]


def test_plot_tables_hold_a_row_a_training_seed_and_a_curve_a_point(folder, params):
    curve, auc, roc = curve_from_predictions(folder, params)
    assert list(auc.columns) == ["run", "scenario", "mixing_rate", "seed", "auc_image", "auc_patient", "auc_fold"]
    assert list(roc.columns) == ["run", "scenario", "mixing_rate", "fpr", "tpr", "tpr_patient"]
    assert len(auc) == 5 * 3 + 2 * 3 + 2 * 2
    assert (roc.groupby(["run", "scenario", "mixing_rate"]).size() == 51).all()
    means = auc.groupby(["run", "scenario", "mixing_rate"])[["auc_image", "auc_patient", "auc_fold"]].mean()
    for run in curve["runs"]:
        for point in run["points"]:
            for level in means.columns:
                mean = means.loc[(run["name"], point["scenario"], point["mixing_rate"]), level]
                assert point[level]["mean"] == pytest.approx(mean, abs=1e-12)


def test_the_fold_averaged_auc_is_the_mean_of_each_folds_own(folder, params):
    _, auc, _ = curve_from_predictions(folder, params)
    table = read_curve(folder / "class")
    part = table[(table["run"] == "net all") & (table["seed"] == 1)]
    expected = np.mean([roc_auc_score(rows["label"], rows["p1"]) for _, rows in part.groupby("fold")])
    found = auc[(auc["run"] == "net all") & (auc["scenario"] == "class") & (auc["seed"] == 1)]
    assert found["auc_fold"].item() == pytest.approx(expected)
    assert found["auc_fold"].item() != pytest.approx(found["auc_image"].item(), abs=1e-4)


def test_a_fold_that_lacks_a_class_leaves_the_fold_averaged_auc_empty(tmp_path, settings, predict):
    params = settings(curve={"runs": [a_run()]})
    curve, auc, _ = curve_from_predictions(write(tmp_path, params, predict, {0: 4, 1: 10}), params)
    assert [point["auc_fold"] for point in curve["runs"][0]["points"]] == [None] * 3
    assert auc["auc_fold"].isna().all()
    json.dumps(curve, allow_nan=False)


def test_identical_points_differ_by_nothing(folder, params):
    real = read_curve(folder / "real")
    same = real[real["run"] == "net all"].assign(scenario="class", mixing_rate=2.0)
    others = read_curve(folder / "class")
    write_curve(folder / "class", pd.concat([others[others["run"] != "net all"], same]))
    point = curve_from_predictions(folder, params)[0]["runs"][1]["points"][1]
    nothing = {"difference": 0.0, "ci95": [0.0, 0.0], "t": None, "p": None, "p_holm": None}
    assert point["versus_real"] == point["versus_real_patient"] == nothing


def test_p_is_adjusted_over_the_points_of_a_run(folder, params):
    runs = curve_from_predictions(folder, params)[0]["runs"]
    family = [point["versus_real"] for point in runs[0]["points"][1:]]
    lowest = min(family, key=lambda one: one["p"])
    assert lowest["p_holm"] == pytest.approx(min(1, 4 * lowest["p"]))
    alone = runs[1]["points"][1]["versus_real"]
    assert alone["p_holm"] == alone["p"]


def test_a_repeated_study_gives_the_mean_over_repeats(tmp_path, settings, predict):
    params = settings(curve={"runs": [a_run(rates=[2.0])]}, split={"folds": list(range(10)), "repeats": 2})
    _, auc, _ = curve_from_predictions(write(tmp_path, params, predict), params)
    table = read_curve(tmp_path / "class")
    seed = table[table["seed"] == 2]
    expected = np.mean([roc_auc_score(rows["label"], rows["p1"]) for _, rows in seed.groupby(seed["fold"] // 5)])
    assert auc[(auc["scenario"] == "class") & (auc["seed"] == 2)]["auc_image"].item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scenario", "change", "message"),
    [
        (
            "class",
            lambda t: t[t["run"] != "net all"],
            "has no prediction of run net all, scenario class, .*mixing_rate 2.0, seed 0",
        ),
        ("class", lambda t: t[t["mixing_rate"] != 1.5], "has no prediction of run net partial, .*mixing_rate 1.5"),
        ("class", lambda t: t[(t["seed"] < 2) | (t["run"] == "net all")], "has no prediction of run net partial, .*seed 2"),
        ("class", lambda t: t[t["image_id"] != "1-3-2"], "image '1-3-2' of patient '1-3', label 1, has no prediction"),
        ("class", lambda t: pd.concat([t, t.head(1)]), "image '0-0-0' has two predictions of run net partial"),
        ("class", lambda t: t.assign(scenario="other"), "prediction .*scenario"),
        (
            "real",
            lambda t: pd.concat([t, t[t["run"] == "net all"].assign(run="net none")]),
            "that curve.runs lacks, of run net none",
        ),
        ("real", lambda t: t.iloc[:0], "holds no predictions"),
    ],
    ids=["a run", "a rate", "a seed", "an image", "twice", "another scenario", "an undeclared run", "empty"],
)
def test_a_curve_that_is_not_what_was_asked_for_is_refused(folder, params, scenario, change, message):
    write_curve(folder / scenario, change(read_curve(folder / scenario)))
    with pytest.raises(InputError, match=rf"{scenario}/predictions\.parquet: .*{message}"):
        curve_from_predictions(folder, params)


def test_a_missing_table_of_the_curve_is_named(folder, params):
    (folder / "traditional" / "predictions.parquet").unlink()
    with pytest.raises(InputError, match=r"traditional/predictions\.parquet: no such table"):
        curve_from_predictions(folder, params)
