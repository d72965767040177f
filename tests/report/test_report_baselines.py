"""Baselines, and what each test of the page is said to support."""

import copy
import re

import pytest
from paper_figures import make_run

from synthtrace.report.baselines import sentences
from synthtrace.report.charts import plots, results
from synthtrace.report.page import build_page
from synthtrace.report.statistics_words import in_words
from synthtrace.report.statistics_words import tests as rows_of_tests

NAMES = ["real", "traditional", "semantic", "class"]
NO_CURVE: dict = {"runs": []}


def test_a_network_that_is_worse_than_a_column_is_called_worse(summary):
    (said,) = sentences(summary, NO_CURVE, "patient")
    assert said == (
        "The column hi alone reaches an image-level AUC of 0.961 [0.920, 0.990]; the best classifier here (semantic: 0.873) is "
        "worse by 0.088. It reaches a patient-level AUC of 0.977 [0.940, 1.000]; the best classifier here (semantic: 0.892) is "
        "worse by 0.085. At image level hi less the classifier on real images alone is +0.100 (95% patient bootstrap +0.040 to "
        "+0.170)."
    )


def test_a_network_that_is_better_is_called_better(summary):
    summary["scenarios"]["class"]["auc_image"]["mean"] = 0.97
    assert "the best classifier here (class: 0.970) is better by 0.009" in sentences(summary, NO_CURVE, "patient")[0]


def test_the_best_classifier_is_looked_for_among_further_backbones_and_the_curve(summary):
    further = copy.deepcopy(summary["scenarios"])
    further["real"]["auc_image"]["mean"] = 0.95
    summary["backbones"] = {"vit_tiny": further}
    assert "(real, vit_tiny: 0.950) is worse by 0.011" in sentences(summary, NO_CURVE, "patient")[0]
    run = make_run("resnet50", "partial", 2, ("class",), (2.0,))
    run["points"][1]["auc_image"]["mean"] = 0.98
    said = sentences(summary, {"runs": [run]}, "patient")[0]
    assert "(class at rate 2 of the curve, resnet50 partial: 0.980) is better by 0.019" in said


def test_a_study_without_baselines_says_nothing_of_them(workspace, params, summary):
    assert sentences(summary | {"baselines": {}}, NO_CURVE, "patient") == []
    path = workspace / "metrics/summary.json"
    assert "baseline, no network" in build_page(workspace, params)
    path.write_text(path.read_text().replace('"baselines": {"hi"', '"baselines": {}, "unread": {"hi"'))
    html = build_page(workspace, params)
    assert "baseline" not in html[html.index("<body>") :]


def test_a_baseline_that_could_not_be_computed_is_said_to_be_so(summary):
    summary["baselines"]["hi"]["auc_image"] = {"mean": None, "sd": None, "ci95": None}
    said = sentences(summary, NO_CURVE, "patient")[0]
    assert "an image-level AUC that, for it or for every classifier, could not be computed. It" in said
    assert "It reaches a patient-level AUC of 0.977" in said


def test_baselines_stand_below_the_scenarios_of_the_headline_alone(pristine, summary):
    summary["backbones"] = {"vit_tiny": summary["scenarios"]}
    first, second = results(pristine, summary, NAMES)
    assert [row["name"] for row in first["baselines"]] == ["hi"]
    assert second["baselines"] == []
    drawn = plots(pristine, summary, NAMES)
    assert [row["name"] for row in drawn["auc_image"]["rows"]] == [*NAMES, "hi"]
    assert drawn["auc_image"]["rows"][-1]["dots"] == []
    assert [row["name"] for row in drawn["versus_real"]["rows"]] == [*NAMES[1:], "hi"]
    assert [curve["name"] for curve in drawn["roc"]["curves"]] == NAMES


def test_every_test_has_its_statistic_its_p_and_holms(pristine, summary):
    patient = summary["scenarios"]["class"]["versus_real_patient"]
    patient["nadeau_bengio"] = {"t": 3.21, "p": 0.02, "p_holm": 0.04}
    rows = {row["name"]: row for row in rows_of_tests(results(pristine, summary, NAMES)[0]["rows"])}
    assert list(rows) == NAMES[1:]
    assert rows["class"]["nadeau_bengio"]["p_holm"] == 0.04
    assert rows["semantic"]["nadeau_bengio"] == {}
    assert rows["semantic"]["delong"] == {"z": 0.567, "p": 0.57, "p_holm": 0.91}


def test_the_page_shows_the_tests_and_their_corrections(pristine, params):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", build_page(pristine, params)))
    assert "z 0.57, p 0.570 Holm p 0.910 t 1.23, p 0.340 Holm p 0.680 t 1.23, p 0.340 Holm p 0.680 n/a" in text


def test_only_what_draws_patients_claims_anything_of_new_ones():
    words = in_words(25, 1, False, "patient")
    assert [name for name, _, claims in words if claims] == ["Patient bootstrap", "DeLong"]
    seeds = next(text for name, text, _ in words if "seeds" in name)
    assert "here with 25 seeds" in seeds
    assert "It supports nothing about new patients" in seeds


@pytest.mark.parametrize(
    ("rounds", "subsets", "said"),
    [(1, False, "dealt into folds once"), (4, False, "dealt into folds 4 times"), (4, True, "subsets share no patient")],
)
def test_nadeau_bengio_applies_to_repeated_deals_alone(rounds, subsets, said):
    found = next(text for name, text, _ in in_words(3, rounds, subsets, "patient") if name == "Nadeau-Bengio")
    assert said in found
    assert ("Not applicable here" in found) == (rounds == 1 or subsets)
