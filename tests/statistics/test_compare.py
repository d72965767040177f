import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from synthtrace.compare.summary import compare, read_scenarios
from synthtrace.errors import InputError
from synthtrace.statistics.significance import delong, nadeau_bengio
from synthtrace.tables import write_predictions

PATIENTS = {0: 17, 1: 38}
TEN_FOLDS = {"split": {"folds": list(range(10)), "repeats": 2}}
CURVE = {
    "runs": [
        {"backbone": "net", "freezing": "none", "balanced": False, "seeds": 2, "scenarios": ["class"], "rates": None}
        | {"selections": ["none"], "modes": ["augment"]},
    ]
}
NO_TEST = {"z": None, "p": None, "p_holm": None}


@pytest.fixture
def run(settings):
    """Compare tables of predictions; blocks change the parameters."""

    def compared(tables, **blocks):
        params = settings(**blocks)
        return compare({name: with_repeat(table, params) for name, table in tables.items()}, params)

    return compared


def with_repeat(table, params):
    return table.assign(round=table["fold"] // params.split.folds_a_round)


def test_the_summary_has_the_contracts_fields_in_order_and_is_plain_json(predict, run):
    tables = {"real": predict(PATIENTS), "class": predict(PATIENTS, noise_seed=1)}
    summary = run(tables).summary
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    numbers = ["mixing_rate", "protocol", "rounds", "patients", "images", "seeds"]
    assert list(summary) == [*numbers, "scenarios", "baselines"]
    assert [summary[name] for name in numbers] == [1.5, "kfold", 1, 55, 165, 2]
    assert summary["baselines"] == {}
    assert list(summary["scenarios"]["real"]) == ["auc_image", "auc_patient", "scores"]
    entry = summary["scenarios"]["class"]
    assert list(entry) == ["auc_image", "auc_patient", "scores", "versus_real", "versus_real_patient"]
    assert list(entry["scores"]) == ["auc", "accuracy", "sensitivity", "specificity", "f1"]
    assert list(entry["auc_image"]) == ["mean", "sd", "ci95"]
    difference = ["difference", "ci95", "t", "p", "p_holm"]
    assert list(entry["versus_real"]) == difference
    assert list(entry["versus_real_patient"]) == [*difference, "delong", "nadeau_bengio"]
    assert list(entry["versus_real_patient"]["delong"]) == ["z", "p", "p_holm"]
    assert entry["versus_real_patient"]["nadeau_bengio"] is None
    for level in ("auc_image", "auc_patient"):
        low, high = entry[level]["ci95"]
        assert low < entry[level]["mean"] < high


def test_an_identical_scenario_differs_by_exactly_nothing(predict, run):
    table = predict(PATIENTS)
    entry = run({"real": table, "class": table.assign(mixing_rate=1.5)}).summary["scenarios"]["class"]
    nothing = {"difference": 0.0, "ci95": [0.0, 0.0], "t": None, "p": None, "p_holm": None}
    assert entry["versus_real"] == nothing
    assert entry["versus_real_patient"] == nothing | {"delong": NO_TEST, "nadeau_bengio": None}


def test_an_identical_scenario_of_a_repeated_study_has_no_test_over_folds_either(predict, run):
    table = predict(PATIENTS, repeats=2)
    entry = run({"real": table, "class": table.assign(mixing_rate=1.5)}, **TEN_FOLDS).summary["scenarios"]["class"]
    assert entry["versus_real_patient"]["difference"] == 0
    assert entry["versus_real_patient"]["nadeau_bengio"] == {"t": None, "p": None, "p_holm": None}


def test_each_test_is_adjusted_over_the_scenarios(predict, run):
    tables = {
        name: predict(PATIENTS, signal=1 + index / 2, seeds=3, noise_seed=index, repeats=2)
        for index, name in enumerate(["real", "traditional", "semantic", "class"])
    }
    scenarios = run(tables, **TEN_FOLDS).summary["scenarios"]
    images = [scenarios[name]["versus_real"] for name in tables if name != "real"]
    patients = [scenarios[name]["versus_real_patient"] for name in tables if name != "real"]
    families = [images, patients] + [[one[test] for one in patients] for test in ("delong", "nadeau_bengio")]
    for family in families:
        lowest = min(family, key=lambda one: one["p"])
        assert lowest["p_holm"] == pytest.approx(min(1, 3 * lowest["p"]))
        assert all(one["p_holm"] >= one["p"] for one in family)


def test_delong_is_of_patients_scored_over_frames_seeds_and_repeats(predict, run):
    tables = {"real": predict(PATIENTS, repeats=2), "class": predict(PATIENTS, signal=2.0, noise_seed=1, repeats=2)}
    found = run(tables, **TEN_FOLDS).summary["scenarios"]["class"]["versus_real_patient"]["delong"]
    real, ours = (table.groupby(["patient_id", "label"])["p1"].mean().reset_index() for table in tables.values())
    expected = delong((real["label"] == 1).to_numpy(), ours["p1"].to_numpy(), real["p1"].to_numpy())
    assert (found["z"], found["p"]) == pytest.approx(expected)
    assert found["p_holm"] == found["p"]


def test_the_test_over_re_splits_is_of_patient_level_aucs_of_folds(predict, run):
    tables = {"real": predict(PATIENTS, repeats=2), "class": predict(PATIENTS, signal=2.0, noise_seed=1, repeats=2)}
    found = run(tables, **TEN_FOLDS).summary["scenarios"]["class"]["versus_real_patient"]["nadeau_bengio"]
    aucs = []
    for table in tables.values():
        patients = table.groupby(["seed", "fold", "patient_id", "label"])["p1"].mean().reset_index()
        of_folds = [roc_auc_score(part["label"], part["p1"]) for _, part in patients.groupby(["seed", "fold"])]
        aucs.append(np.reshape(of_folds, (2, 10)).mean(axis=0))
    assert (found["t"], found["p"]) == pytest.approx(nadeau_bengio(aucs[1] - aucs[0], 1 / 4))


def test_a_fold_without_a_class_has_no_test_over_re_splits(predict, run):
    patients = {0: 4, 1: 20}
    tables = {"real": predict(patients, repeats=2), "class": predict(patients, signal=2.0, noise_seed=1, repeats=2)}
    entry = run(tables, **TEN_FOLDS).summary["scenarios"]["class"]["versus_real_patient"]
    assert entry["nadeau_bengio"] == {"t": None, "p": None, "p_holm": None}
    assert entry["delong"]["z"] is not None


def test_groups_of_mixed_labels_have_no_delong(predict, run):
    def mixed(table):
        return table.assign(patient_id=table["patient_id"].str.replace("0-1", "1-1"))

    tables = {"real": mixed(predict(PATIENTS)), "class": mixed(predict(PATIENTS, signal=2.0, noise_seed=1))}
    assert run(tables).summary["scenarios"]["class"]["versus_real_patient"]["delong"] == NO_TEST


def test_one_seed_has_no_deviation_and_no_t(predict, run):
    tables = {"real": predict(PATIENTS, seeds=1), "class": predict(PATIENTS, seeds=1, noise_seed=1)}
    scenarios = run(tables).summary["scenarios"]
    assert scenarios["real"]["auc_image"]["sd"] is None
    assert scenarios["class"]["versus_real"]["t"] is None
    assert scenarios["class"]["versus_real"]["difference"] != 0


def test_deviation_difference_and_t_follow_from_the_aucs_of_the_seeds(predict, run):
    tables = {"real": predict(PATIENTS, seeds=4), "class": predict(PATIENTS, signal=2.0, seeds=4, noise_seed=1)}
    result = run(tables)
    for level, versus in (("auc_image", "versus_real"), ("auc_patient", "versus_real_patient")):
        by_seed = result.auc.pivot_table(index="seed", columns="scenario", values=level)
        entry = result.summary["scenarios"]["class"]
        differences = by_seed["class"] - by_seed["real"]
        assert entry[level]["sd"] == pytest.approx(by_seed["class"].std(ddof=1))
        assert entry[versus]["difference"] == pytest.approx(differences.mean())
        assert entry[versus]["t"] == pytest.approx(differences.mean() / (differences.std(ddof=1) / 2))


def test_a_better_scenario_is_found_better_and_pairing_narrows_the_interval(predict, run):
    real = predict(PATIENTS, signal=0.5, seeds=3)
    better = real.copy()
    better["p1"] = better["p1"] + 0.1 * better["label"]
    better["p0"] = 1 - better["p1"]
    scenarios = run({"real": real, "class": better}).summary["scenarios"]
    low, high = scenarios["class"]["versus_real"]["ci95"]
    assert 0 < low < scenarios["class"]["versus_real"]["difference"] < high
    of_real = scenarios["real"]["auc_image"]["ci95"]
    assert high - low < 0.5 * (of_real[1] - of_real[0])


def test_further_backbones_appear_only_when_there_are_some_and_shift_nothing(predict, run):
    def both(signal, noise_seed):
        first = predict(PATIENTS, signal, noise_seed=noise_seed)
        second = predict(PATIENTS, signal, noise_seed=noise_seed + 10, backbone="other")
        return first, type(first)(np.concatenate([first, second]), columns=first.columns).astype(first.dtypes)

    (real, two_real), (synthetic, two_synthetic) = both(1.0, 0), both(2.0, 1)
    one = run({"real": real, "class": synthetic})
    two = run({"real": two_real, "class": two_synthetic})
    assert list(two.summary["backbones"]) == ["other"]
    assert list(two.summary["backbones"]["other"]) == ["real", "class"]
    assert {**two.summary, "backbones": None} == {**one.summary, "backbones": None}
    assert two.roc.equals(one.roc)
    assert two.auc["backbone"].value_counts().to_dict() == {"net": 4, "other": 4}


def test_plot_tables_hold_a_point_a_seed_and_a_curve_a_scenario(predict, run):
    result = run({"real": predict(PATIENTS), "class": predict(PATIENTS, noise_seed=1)})
    assert list(result.auc.columns) == ["scenario", "backbone", "seed", "auc_image", "auc_patient"]
    assert list(result.roc.columns) == ["scenario", "fpr", "tpr"]
    means = result.auc.groupby("scenario")["auc_image"].mean()
    for scenario, entry in result.summary["scenarios"].items():
        assert means[scenario] == pytest.approx(entry["auc_image"]["mean"], abs=1e-12)
        curve = result.roc[result.roc["scenario"] == scenario]
        assert len(curve) == 101
        assert curve["tpr"].is_monotonic_increasing
        assert curve["tpr"].iloc[-1] == 1


def test_three_classes_compare(predict, run):
    patients = {0: 6, 1: 8, 2: 7}
    tables = {"real": predict(patients), "class": predict(patients, signal=2.0, noise_seed=1)}
    summary = run(tables, dataset={"labels": ["a", "b", "c"]}, turing={"real": [1, 1, 1], "synthetic": [1, 1, 1]}).summary
    assert summary["scenarios"]["class"]["versus_real_patient"]["delong"] == NO_TEST
    assert 0.5 < summary["scenarios"]["real"]["auc_image"]["mean"] < summary["scenarios"]["class"]["auc_image"]["mean"] < 1


@pytest.fixture
def params(settings):
    return settings(generator={"kinds": ["class"]}, curve=CURVE)


@pytest.fixture
def folder(tmp_path, predict):
    for index, (scenario, rate) in enumerate({"real": 0.0, "traditional": 1.5, "class": 1.5}.items()):
        write_predictions(tmp_path / f"{scenario}.parquet", predict(PATIENTS, noise_seed=index, rate=rate))
    return tmp_path


def test_scenarios_are_read_in_the_order_of_the_study_and_no_others(folder, params, predict):
    write_predictions(folder / "stray.parquet", predict(PATIENTS, rate=9.0))
    assert list(read_scenarios(folder, params)) == ["real", "traditional", "class"]


def test_a_table_of_another_mixing_rate_is_refused(folder, params):
    with pytest.raises(InputError, match=r"traditional\.parquet: holds predictions at mixing_rate 1\.5; expected 2\.0"):
        read_scenarios(folder, params.model_copy(update={"mixing_rate": 2.0}))


def test_a_missing_table_is_named(folder, params):
    (folder / "class.parquet").unlink()
    with pytest.raises(InputError, match=r"class\.parquet: no such table"):
        read_scenarios(folder, params)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.iloc[1:],
            "image '0-0-0' of patient '0-0', label 0, has no prediction of backbone net, seed 0, round 0; expected every "
            "image once for all that `real` holds",
        ),
        (lambda t: t.assign(seed=t["seed"] + 1), "has no prediction of backbone net, seed 0"),
        (lambda t: t.assign(label=1 - t["label"]), "has .*prediction"),
        (lambda t: t.replace({"image_id": {"0-0-0": "new"}}), "image 'new' .*that `real` lacks|image '0-0-0' .*has no"),
        (
            lambda t: t.iloc[[0, *range(len(t))]],
            "image '0-0-0' has two predictions of backbone net, seed 0, round 0; expected one",
        ),
        (lambda t: t.assign(fold=t["fold"].where(t["image_id"] != "0-0-0", 7)), "image '0-0-0' .*round"),
        (lambda t: t.iloc[:0], "holds no predictions"),
        (lambda t: t.assign(p2=0.0), "no image has label 2"),
        (lambda t: t.assign(p1=t["p1"].where(t["image_id"] != "0-0-0")), "p1 of image '0-0-0' is no number"),
    ],
    ids=[
        "row lost",
        "other seeds",
        "other labels",
        "other image",
        "row twice",
        "undeclared round",
        "empty",
        "class without an image",
        "no number",
    ],
)
def test_a_table_that_cannot_be_paired_is_refused(folder, params, predict, change, message):
    write_predictions(folder / "class.parquet", change(predict(PATIENTS, noise_seed=1, rate=1.5)))
    with pytest.raises(InputError, match=message):
        read_scenarios(folder, params)


def test_an_image_that_a_repeat_lacks_is_named(folder, settings, predict):
    again = {"generator": {"kinds": ["class"]}, "curve": CURVE, **TEN_FOLDS}
    for index, (scenario, rate) in enumerate({"real": 0.0, "traditional": 1.5, "class": 1.5}.items()):
        table = predict(PATIENTS, noise_seed=index, rate=rate, repeats=2)
        lost = (table["image_id"] == "1-3-2") & (table["fold"] >= 5) & (scenario == "class")
        write_predictions(folder / f"{scenario}.parquet", table[~lost])
    with pytest.raises(InputError, match=r"image '1-3-2' .* has no prediction of backbone net, seed 0, round 1"):
        read_scenarios(folder, settings(**again))


def test_subsets_are_rounds_of_one_fold_and_have_no_test_over_folds(predict, run):
    subsets = {"split": {"protocol": "subsets", "folds": [0, 1, 2], "subset_share": 0.3}}
    one = {name: predict(PATIENTS, noise_seed=index) for index, name in enumerate(["real", "class"])}
    rng = np.random.default_rng(4)
    tables = {
        name: pd.concat([table.assign(fold=fold, p1=table["p1"] + fold * rng.random(len(table))) for fold in range(3)])
        for name, table in one.items()
    }
    summary = run(tables, **subsets).summary
    assert (summary["protocol"], summary["rounds"], summary["images"], summary["patients"]) == ("subsets", 3, 165, 55)
    entry = summary["scenarios"]["class"]
    assert entry["versus_real_patient"]["nadeau_bengio"] is None
    assert entry["versus_real_patient"]["delong"]["p"] is not None
    each = [
        np.mean([roc_auc_score(rows["label"], rows["p1"]) for _, rows in part.groupby("seed")])
        for _, part in tables["class"].groupby("fold")
    ]
    assert entry["auc_image"]["mean"] == pytest.approx(np.mean(each))
    assert entry["scores"]["auc"] == pytest.approx({"mean": np.mean(each), "sd": np.std(each, ddof=1)})


def test_traditional_augmentation_on_the_fly_is_at_rate_0(folder, settings, predict):
    params = settings(generator={"kinds": ["class"]}, curve=CURVE, classifier={"traditional": "on_the_fly"})
    with pytest.raises(InputError, match=r"traditional\.parquet: holds predictions at mixing_rate 1.5; expected 0.0"):
        read_scenarios(folder, params)
    write_predictions(folder / "traditional.parquet", predict(PATIENTS, noise_seed=5))
    assert list(read_scenarios(folder, params)) == ["real", "traditional", "class"]


def test_one_round_of_scores_has_no_deviation(predict, run):
    scores = run({"real": predict(PATIENTS)}).summary["scenarios"]["real"]["scores"]
    assert {one["sd"] for one in scores.values()} == {None}
