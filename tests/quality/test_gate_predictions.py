import numpy as np
import pandas as pd
import pytest
from quality_study import PARAMS, SCENARIOS, SEEDS, failed, found, set_cell

from synthtrace.quality.gate import judge
from synthtrace.tables import read_curve


def cells(**values):
    """A change of the first row."""

    def change(table):
        table.loc[0, list(values)] = list(values.values())

    return lambda study: study.edit_predictions(change)


def edit(change):
    return lambda study: study.edit_predictions(change)


def curve(change):
    return lambda study: study.edit_curve(change)


# a point of the scenario `class`
HIGHEST = {"run": "resnet10t none", "scenario": "class", "selection": "none", "mode": "augment", "mixing_rate": 1.5}


def unfilled(**changes):
    """The point has no predictions but a place among the unfilled ones."""

    def change(study):
        study.edit_curve(lambda table: table[table["mixing_rate"] != 1.5])
        study.unfill(**HIGHEST | changes)

    return change


def training_image(table):
    """A row more: an image of fold 1 that fold 0 trained on."""
    return pd.concat([table, table[table["fold"] == 1].head(1).assign(fold=0)])


BROKEN = [
    (edit(lambda table: table.assign(p2=0.0)), "probabilities are p0, p1", "error"),
    (edit(lambda table: table.assign(backbone="vit")), "every backbone of classifier.backbones is there", "error"),
    (
        edit(lambda table: pd.concat([table, table.assign(backbone="vit")])),
        "every backbone is one of classifier.backbones",
        "error",
    ),
    (edit(lambda table: table[table["seed"] == 0]), "every backbone has 2 seeds", "error"),
    (edit(lambda table: pd.concat([table, table.assign(mixing_rate=2.0)])), "every backbone has one mixing rate", "error"),
    (cells(p1=np.nan), "probabilities are numbers", "error"),
    (cells(p0=-0.1, p1=1.0), "probabilities are not negative", "error"),
    (cells(p0=0.0, p1=1.1), "probabilities are at most 1", "error"),
    (cells(p0=0.1, p1=0.7), "probabilities sum to 1", "error"),
    (edit(training_image), "every predicted image is a test image of its fold", "error"),
    (edit(lambda table: table.assign(label=(1 - table["label"]))), "labels are those of the crops' manifest", "error"),
    (edit(set_cell(0, "patient_id", "nobody")), "patients are those of the crops' manifest", "error"),
    (edit(lambda table: table.drop(index=3)), "every run predicts every test image once", "error"),
    (edit(lambda table: pd.concat([table, table.head(1)])), "every run predicts every test image once", "error"),
    (edit(lambda table: table.assign(p0=0.25, p1=0.75)), "a run's probabilities differ between images", "warning"),
    (curve(lambda table: table.assign(p2=0.0)), "probabilities are p0, p1", "error"),
    (curve(lambda table: table.assign(p0=table["p0"] / 2)), "probabilities sum to 1", "error"),
    (curve(training_image), "every predicted image is a test image of its fold", "error"),
    (curve(lambda table: table.drop(index=3)), "every run predicts every test image once", "error"),
    (curve(lambda table: table.assign(p0=0.25, p1=0.75)), "a run's probabilities differ between images", "warning"),
    (
        curve(lambda table: table[table["mixing_rate"] == 0.5]),
        "every point of curve.runs is there, or listed as unfilled",
        "error",
    ),
    (
        curve(lambda table: pd.concat([table, table[table["mixing_rate"] == 0.5].assign(mixing_rate=0.75)])),
        "every point of the curve is one of curve.runs",
        "error",
    ),
    (
        lambda study: study.unfill(**HIGHEST),
        "no unfilled point of the curve has predictions",
        "error",
    ),
    (unfilled(needed=3), "a selection kept too few for every unfilled point", "error"),
    (curve(lambda table: table[table["seed"] == 0]), "every point of the curve has all seeds of its run", "error"),
    (
        curve(lambda table: pd.concat([table, table[table["seed"] == 0].assign(seed=7)])),
        "no point of the curve has more seeds than its run",
        "error",
    ),
    (
        lambda study: study.edit_curve(lambda table: pd.concat([table, read_curve(study.root / "curve/real")]), "traditional"),
        "a scenario's table holds no other scenario",
        "error",
    ),
]
# a sum follows from its parts: which of these fails alone depends on the others, so they are told apart by hand
TOGETHER = {
    "probabilities are not negative": ["probabilities are not negative", "probabilities sum to 1"],
    "probabilities are at most 1": ["probabilities are at most 1", "probabilities sum to 1"],
    "every backbone of classifier.backbones is there": [
        "every backbone of classifier.backbones is there",
        "every backbone is one of classifier.backbones",
    ],
    # the other table's rows are there twice now
    "a scenario's table holds no other scenario": [
        "a scenario's table holds no other scenario",
        "every run predicts every test image once",
    ],
}


def test_good_predictions_pass(study):
    assert failed(study.judge("predictions")) == []


@pytest.mark.parametrize(("break_it", "name", "severity"), BROKEN)
def test_predictions_broken_in_one_place_fail_one_expectation(study, good_study, break_it, name, severity):
    break_it(study)
    verdict = study.judge_changed("predictions", good_study)
    assert failed(verdict) == TOGETHER.get(name, [name])
    assert verdict["pass"] == (severity == "warning")


def test_every_expectation_of_predictions_was_seen_to_fail(study):
    assert {item["name"] for item in study.judge("predictions")["expectations"]} == {name for _, name, _ in BROKEN}


def test_a_forgotten_image_is_named_with_its_run(study):
    study.edit_predictions(lambda table: table[table["image_id"] != "test-healthy1-0"])
    item = found(study.judge("predictions"), "every run predicts every test image once")
    assert item["failed_count"] == SEEDS
    assert item["failing_rows"][0] == {
        "run": "classify",
        "scenario": "class",
        "selection": "-",
        "mode": "-",
        "backbone": "resnet10t",
        "mixing_rate": 1.0,
        "seed": 0,
        "fold": 1,
        "image_id": "test-healthy1-0",
        "predictions": 0,
    }


def test_a_table_without_a_class_is_reported_not_a_crash(study):
    study.edit_predictions(lambda table: table.drop(columns="p0"))
    assert failed(study.judge("predictions")) == ["probabilities are p0, p1"]


def test_a_seed_that_the_curve_lacks_is_named_with_its_point(study):
    study.edit_curve(lambda table: table[(table["seed"] == 0) | (table["mixing_rate"] == 0.5)], "semantic")
    item = found(study.judge("predictions"), "every point of the curve has all seeds of its run")
    assert item["failing_rows"] == [HIGHEST | {"scenario": "semantic", "backbone": "resnet10t", "missing": "1"}]


def test_an_unfilled_point_of_the_curve_passes(study):
    unfilled()(study)
    assert failed(study.judge("predictions")) == []


def test_an_unfilled_point_that_nobody_asked_for_fails(study):
    study.unfill(**HIGHEST | {"selection": "realism"})
    assert failed(study.judge("predictions")) == ["every point of the curve is one of curve.runs"]


def test_each_selection_and_mode_of_a_run_is_a_point_of_its_own(study):
    several = PARAMS.curve.runs[0].model_copy(update={"selections": ["none", "realism"], "modes": ["augment", "transfer"]})
    params = PARAMS.model_copy(update={"curve": PARAMS.curve.model_copy(update={"runs": [several]})})
    missing = judge("predictions", "digest", *study.judged("predictions", params))
    assert failed(missing) == ["every point of curve.runs is there, or listed as unfilled"]
    assert missing["pass"] is False
    for kind in ("class", "semantic"):
        study.edit_curve(
            lambda table: pd.concat(
                [table.assign(selection=name, mode=mode) for name in several.selections for mode in several.modes]
            ),
            kind,
        )
    tables, suites = study.judged("predictions", params)
    assert failed(judge("predictions", "digest", tables, suites)) == []
    assert len(tables["curve"]) == 1 + 2 + 2 * 2 * 2 * 2


def test_traditional_on_the_fly_is_one_point_at_rate_0(study):
    on_the_fly = PARAMS.classifier.model_copy(update={"traditional": "on_the_fly"})
    params = PARAMS.model_copy(update={"classifier": on_the_fly})
    study.edit_curve(lambda table: table[table["mixing_rate"] == 0.5].assign(mixing_rate=0.0), "traditional")
    assert failed(judge("predictions", "digest", *study.judged("predictions", params))) == []


def test_a_kind_that_no_run_lists_has_a_table_without_rows_and_passes(study):
    run = PARAMS.curve.runs[0].model_copy(update={"scenarios": ["traditional", "semantic"]})
    params = PARAMS.model_copy(update={"curve": PARAMS.curve.model_copy(update={"runs": [run]})})
    study.edit_curve(lambda table: pd.DataFrame(columns=table.columns))
    tables, suites = study.judged("predictions", params)
    assert failed(judge("predictions", "digest", tables, suites)) == []
    assert len(tables["curve"]) == 5


def test_runs_that_draw_from_real_images_alone_pass(study):
    run = PARAMS.curve.runs[0].model_copy(update={"scenarios": []})
    params = PARAMS.model_copy(update={"curve": PARAMS.curve.model_copy(update={"runs": [run]})})
    for scenario in SCENARIOS[1:]:
        study.edit_curve(lambda table: pd.DataFrame(columns=table.columns), scenario)
    tables, suites = study.judged("predictions", params)
    assert failed(judge("predictions", "digest", tables, suites)) == []
