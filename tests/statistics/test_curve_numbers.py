import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from synthtrace.compare import curve_from_predictions
from synthtrace.errors import InputError
from synthtrace.tables import UNFILLED, curve_settings, read_curve

PATIENTS = {0: 17, 1: 38}


def a_run(**changes):
    run = {"backbone": "net", "freezing": "partial", "balanced": False, "seeds": 3, "scenarios": ["class"], "rates": None}
    return run | {"selections": ["none"], "modes": ["augment"]} | changes


RUNS = [
    a_run(scenarios=["traditional", "class"]),
    a_run(freezing="all", rates=[2.0]),
    a_run(balanced=True, seeds=2, rates=[0.5]),
]


def write_curve(folder, table):
    table.to_parquet(folder / "predictions.parquet", index=False)


def write(folder, params, predict, patients=PATIENTS):
    """A prediction of everything that `params` asks for; other noise at every point, more signal at a higher rate."""
    points = curve_settings(params.curve, params.classifier)
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
            ).assign(run=row.run, scenario=scenario, selection=row.selection, mode=row["mode"])
            for index, row in settings.iterrows()
        ]
        write_curve(folder / scenario, pd.concat(tables, ignore_index=True))
        pd.DataFrame(columns=UNFILLED).to_csv(folder / scenario / "unfilled.csv", index=False)
    return folder


@pytest.fixture
def params(settings):
    return settings(curve={"rates": [0.5, 1.5], "runs": RUNS})


@pytest.fixture
def folder(tmp_path, params, predict):
    return write(tmp_path, params, predict)


def test_every_point_is_asked_for_once_real_images_first(params):
    points = list(curve_settings(params.curve, params.classifier).itertuples(index=False, name=None))
    assert points == [
        ("net partial", "real", "none", "augment", "net", 0.0, 3),
        ("net partial", "traditional", "none", "augment", "net", 0.5, 3),
        ("net partial", "traditional", "none", "augment", "net", 1.5, 3),
        ("net partial", "class", "none", "augment", "net", 0.5, 3),
        ("net partial", "class", "none", "augment", "net", 1.5, 3),
        ("net all", "real", "none", "augment", "net", 0.0, 3),
        ("net all", "class", "none", "augment", "net", 2.0, 3),
        ("net partial balanced", "real", "none", "augment", "net", 0.0, 2),
        ("net partial balanced", "class", "none", "augment", "net", 0.5, 2),
    ]


def test_only_generator_kinds_are_trained_on_in_several_modes_and_selections(settings):
    several = a_run(
        scenarios=["traditional", "class"], selections=["none", "realism"], modes=["augment", "transfer"], rates=[1.0]
    )
    params = settings(curve={"runs": [several]}, classifier={"traditional": "on_the_fly"})
    points = curve_settings(params.curve, params.classifier)
    assert list(points[["scenario", "selection", "mode", "mixing_rate"]].itertuples(index=False, name=None)) == [
        ("real", "none", "augment", 0.0),
        ("traditional", "none", "augment", 0.0),
        ("class", "none", "augment", 1.0),
        ("class", "none", "transfer", 1.0),
        ("class", "realism", "augment", 1.0),
        ("class", "realism", "transfer", 1.0),
    ]


def test_the_curve_has_the_contracts_fields_in_order_and_is_plain_json(folder, params):
    curve, _, _ = curve_from_predictions(folder, params)
    assert json.loads(json.dumps(curve, allow_nan=False)) == curve
    assert list(curve) == ["protocol", "rounds", "patients", "images", "runs"]
    assert list(curve.values())[:4] == ["kfold", 1, 55, 165]
    assert [run["name"] for run in curve["runs"]] == ["net partial", "net all", "net partial balanced"]
    run = curve["runs"][0]
    assert list(run) == ["name", "backbone", "freezing", "balanced", "seeds", "selections", "modes", "points"]
    real, *points = run["points"]
    levels = ["scenario", "selection", "mode", "mixing_rate", "auc_image", "auc_patient", "auc_fold", "scores"]
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
    point = ["run", "scenario", "selection", "mode", "mixing_rate"]
    assert list(auc.columns) == [*point, "seed", "auc_image", "auc_patient", "auc_fold"]
    assert list(roc.columns) == [*point, "fpr", "tpr", "tpr_patient"]
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


SUBSETS = {"protocol": "subsets", "folds": [0, 1, 2], "subset_share": 0.3}


def on_subsets(folder, params, predict):
    """Each image is tested in each of three folds, with other noise."""
    write(folder, params, predict)
    for scenario in ("real", "class"):
        table = read_curve(folder / scenario)
        rng = np.random.default_rng(9)
        folds = [table.assign(fold=fold, p1=table["p1"] + (fold + 1) / 4 * rng.random(len(table))) for fold in range(3)]
        write_curve(folder / scenario, pd.concat(folds, ignore_index=True))
    return folder


def test_subsets_are_judged_one_by_one_and_averaged(tmp_path, settings, predict):
    params = settings(curve={"runs": [a_run(rates=[2.0])]}, split=SUBSETS)
    curve, auc, _ = curve_from_predictions(on_subsets(tmp_path, params, predict), params)
    assert (curve["protocol"], curve["rounds"], curve["images"]) == ("subsets", 3, 165)
    table = read_curve(tmp_path / "class")
    each = pd.Series(
        {key: roc_auc_score(rows["label"], rows["p1"]) for key, rows in table.groupby(["seed", "fold"])}
    ).rename_axis(["seed", "fold"])
    found = auc[auc["scenario"] == "class"].sort_values("seed")
    assert found["auc_image"].to_numpy() == pytest.approx(each.groupby("seed").mean().to_numpy())
    assert found["auc_fold"].to_numpy() == pytest.approx(found["auc_image"].to_numpy())
    over_subsets = each.groupby("fold").mean()
    score = curve["runs"][0]["points"][1]["scores"]["auc"]
    assert score == pytest.approx({"mean": over_subsets.mean(), "sd": over_subsets.std(ddof=1)})
    assert over_subsets.std(ddof=1) > 0.001


def unfilled(folder, *rows):
    pd.DataFrame(rows, columns=UNFILLED).to_csv(folder / "class" / "unfilled.csv", index=False)


def test_an_unfilled_point_says_what_its_worst_fold_lacks_and_counts_in_no_family(folder, params):
    before = curve_from_predictions(folder, params)[0]["runs"][0]["points"]
    table = read_curve(folder / "class")
    write_curve(folder / "class", table[(table["run"] != "net partial") | (table["mixing_rate"] != 1.5)])
    point = ["net partial", "class", "none", "augment", 1.5]
    unfilled(folder, [*point, 0, 1, 90, 224, 88], [*point, 1, 1, 31, 224, 88], [*point, 2, 1, 60, 224, 88])
    curve, auc, roc = curve_from_predictions(folder, params)
    after = curve["runs"][0]["points"]
    assert after[4] == {
        "scenario": "class",
        "selection": "none",
        "mode": "augment",
        "mixing_rate": 1.5,
        "unfilled": {"fold": 1, "kept": 31, "candidates": 224, "needed": 88, "label_name": "nafld"},
    }
    assert [one["scores"] for one in after[:4]] == [one["scores"] for one in before[:4]]
    lowest = min((one["versus_real"] for one in after[1:4]), key=lambda one: one["p"])
    assert lowest["p_holm"] == pytest.approx(min(1, 3 * lowest["p"]))
    for plotted in (auc, roc):
        assert len(plotted.query("run == 'net partial' and scenario == 'class' and mixing_rate == 1.5")) == 0


def test_a_scenario_none_of_whose_points_could_be_filled_has_a_curve_of_unfilled_points(tmp_path, settings, predict):
    params = settings(curve={"runs": [a_run(rates=[2.0])]})
    folder = write(tmp_path, params, predict)
    write_curve(folder / "class", read_curve(folder / "class").iloc[:0])
    unfilled(folder, ["net partial", "class", "none", "augment", 2.0, 0, 1, 3, 224, 88])
    curve, auc, _ = curve_from_predictions(folder, params)
    real, point = curve["runs"][0]["points"]
    assert "versus_real" not in real
    assert point["unfilled"]["kept"] == 3
    assert set(auc["scenario"]) == {"real"}


def test_an_unfilled_point_that_nobody_asked_for_is_refused(folder, params):
    unfilled(folder, ["net partial", "class", "realism", "augment", 1.5, 0, 1, 3, 224, 88])
    with pytest.raises(
        InputError, match=r"class/unfilled\.csv: lists run net partial, .*selection realism, .*curve.runs lacks"
    ):
        curve_from_predictions(folder, params)


def test_a_point_that_is_predicted_though_listed_as_unfilled_is_refused(folder, params):
    unfilled(folder, ["net partial", "class", "none", "augment", 1.5, 0, 1, 3, 224, 88])
    with pytest.raises(InputError, match=r"has a prediction that curve.runs lacks, of run net partial"):
        curve_from_predictions(folder, params)


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
