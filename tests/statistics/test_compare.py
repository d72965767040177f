import json

import numpy as np
import pytest

from synthtrace.compare import compare, read_scenarios
from synthtrace.errors import InputError
from synthtrace.seeds import Seeds
from synthtrace.tables import write_predictions

PATIENTS = {0: 17, 1: 38}


def run(tables, resamples=200):
    return compare(tables, 1.5, resamples, Seeds(7).stream("compare", "bootstrap"))


def test_the_summary_has_the_contracts_fields_in_order_and_is_plain_json(predict):
    tables = {"real": predict(PATIENTS), "class": predict(PATIENTS, noise_seed=1)}
    summary = run(tables).summary
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert list(summary) == ["mixing_rate", "patients", "images", "seeds", "scenarios"]
    assert [summary[name] for name in ("mixing_rate", "patients", "images", "seeds")] == [1.5, 55, 165, 2]
    assert list(summary["scenarios"]["real"]) == ["auc_image", "auc_patient"]
    entry = summary["scenarios"]["class"]
    assert list(entry) == ["auc_image", "auc_patient", "versus_real", "versus_real_patient"]
    assert list(entry["auc_image"]) == ["mean", "sd", "ci95"]
    assert list(entry["versus_real"]) == ["difference", "ci95", "t", "p"]
    for level in ("auc_image", "auc_patient"):
        low, high = entry[level]["ci95"]
        assert low < entry[level]["mean"] < high


def test_an_identical_scenario_differs_by_exactly_nothing(predict):
    table = predict(PATIENTS)
    entry = run({"real": table, "class": table.assign(mixing_rate=1.5)}).summary["scenarios"]["class"]
    for versus in ("versus_real", "versus_real_patient"):
        assert entry[versus] == {"difference": 0.0, "ci95": [0.0, 0.0], "t": None, "p": None}


def test_one_seed_has_no_deviation_and_no_t(predict):
    tables = {"real": predict(PATIENTS, seeds=1), "class": predict(PATIENTS, seeds=1, noise_seed=1)}
    scenarios = run(tables).summary["scenarios"]
    assert scenarios["real"]["auc_image"]["sd"] is None
    assert scenarios["class"]["versus_real"]["t"] is None
    assert scenarios["class"]["versus_real"]["difference"] != 0


def test_deviation_difference_and_t_follow_from_the_aucs_of_the_seeds(predict):
    tables = {"real": predict(PATIENTS, seeds=4), "class": predict(PATIENTS, signal=2.0, seeds=4, noise_seed=1)}
    result = run(tables)
    for level, versus in (("auc_image", "versus_real"), ("auc_patient", "versus_real_patient")):
        by_seed = result.auc.pivot_table(index="seed", columns="scenario", values=level)
        entry = result.summary["scenarios"]["class"]
        differences = by_seed["class"] - by_seed["real"]
        assert entry[level]["sd"] == pytest.approx(by_seed["class"].std(ddof=1))
        assert entry[versus]["difference"] == pytest.approx(differences.mean())
        assert entry[versus]["t"] == pytest.approx(differences.mean() / (differences.std(ddof=1) / 2))


def test_a_better_scenario_is_found_better_and_pairing_narrows_the_interval(predict):
    real = predict(PATIENTS, signal=0.5, seeds=3)
    better = real.copy()
    better["p1"] = better["p1"] + 0.1 * better["label"]
    better["p0"] = 1 - better["p1"]
    scenarios = run({"real": real, "class": better}).summary["scenarios"]
    low, high = scenarios["class"]["versus_real"]["ci95"]
    assert 0 < low < scenarios["class"]["versus_real"]["difference"] < high
    of_real = scenarios["real"]["auc_image"]["ci95"]
    assert high - low < 0.5 * (of_real[1] - of_real[0])


def test_further_backbones_appear_only_when_there_are_some_and_shift_nothing(predict):
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


def test_plot_tables_hold_a_point_a_seed_and_a_curve_a_scenario(predict):
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


def test_three_classes_compare(predict):
    patients = {0: 6, 1: 8, 2: 7}
    summary = run({"real": predict(patients), "class": predict(patients, signal=2.0, noise_seed=1)}).summary
    assert 0.5 < summary["scenarios"]["real"]["auc_image"]["mean"] < summary["scenarios"]["class"]["auc_image"]["mean"] < 1


@pytest.fixture
def folder(tmp_path, predict):
    write_predictions(tmp_path / "real.parquet", predict(PATIENTS))
    write_predictions(tmp_path / "class.parquet", predict(PATIENTS, noise_seed=1, rate=1.5))
    return tmp_path


def test_scenarios_are_read_in_the_order_asked_for_and_no_others(folder, predict):
    write_predictions(folder / "stray.parquet", predict(PATIENTS, rate=9.0))
    assert list(read_scenarios(folder, ["real", "class"], 1.5)) == ["real", "class"]


def test_a_table_of_another_mixing_rate_is_refused(folder):
    with pytest.raises(InputError, match=r"class\.parquet: holds predictions at mixing_rate 1\.5; expected 2\.0"):
        read_scenarios(folder, ["real", "class"], 2.0)


def test_a_missing_table_is_named(folder):
    with pytest.raises(InputError, match=r"semantic\.parquet: no such table"):
        read_scenarios(folder, ["real", "class", "semantic"], 1.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.iloc[1:], "image '0-0-0' of patient '0-0', label 0, has no prediction by net, seed 0"),
        (lambda t: t.assign(seed=t["seed"] + 1), "has no prediction by net, seed 0"),
        (lambda t: t.assign(label=1 - t["label"]), "has .*prediction"),
        (lambda t: t.replace({"image_id": {"0-0-0": "new"}}), "image 'new' .*that `real` lacks|image '0-0-0' .*has no"),
        (lambda t: t.iloc[[0, *range(len(t))]], "image '0-0-0' has two predictions of net, seed 0; expected one"),
        (lambda t: t.iloc[:0], "holds no predictions"),
        (lambda t: t.assign(p2=0.0), "no image has label 2"),
    ],
    ids=["row lost", "other seeds", "other labels", "other image", "row twice", "empty", "class without an image"],
)
def test_a_table_that_cannot_be_paired_is_refused(folder, predict, change, message):
    write_predictions(folder / "class.parquet", change(predict(PATIENTS, noise_seed=1, rate=1.5)))
    with pytest.raises(InputError, match=message):
        read_scenarios(folder, ["real", "class"], 1.5)
