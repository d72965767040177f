"""Tests of a difference: published examples, cases worked by hand, and what is undefined."""

import numpy as np
import pytest
from scipy import stats

from synthtrace.statistics.bootstrap import bootstrap_aucs, resample_patients
from synthtrace.statistics.scores import Scores
from synthtrace.statistics.significance import delong, holm, nadeau_bengio, paired_t

# DeLong, DeLong and Clarke-Pearson (1988), as in the documentation of SAS PROC LOGISTIC, "Comparing Receiver Operating
# Characteristic Curves": albumin, total protein, Krebs-Goplerud score (high is bad), whether surgery helped (0: it did)
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def test_paired_t_is_the_one_sample_test_of_the_differences():
    rng = np.random.default_rng(6)
    scenario, reference = rng.normal(0.9, 0.02, 5), rng.normal(0.85, 0.02, 5)
    expected = stats.ttest_1samp(scenario - reference, 0)
    assert paired_t(scenario, reference) == pytest.approx((expected.statistic, expected.pvalue))


def test_paired_t_by_hand():
    # differences 1, 2, 3: mean 2, sd 1, t = 2 / (1 / sqrt 3)
    t, p = paired_t(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    assert t == pytest.approx(2 * np.sqrt(3))
    assert p == pytest.approx(0.0741799, abs=1e-6)


@pytest.mark.parametrize(
    ("scenario", "reference"),
    [([0.8], [0.7]), ([0.8, 0.9], [0.8, 0.9]), ([0.8 + 1e-16, 0.9, 0.7], [0.7, 0.8, 0.6])],
    ids=["one seed", "identical", "constant difference"],
)
def test_without_variance_there_is_no_t(scenario, reference):
    assert paired_t(np.array(scenario), np.array(reference)) == (None, None)


def placements(positive, scores):
    """By definition, pair by pair."""
    pairs = np.sign(scores[positive][:, None] - scores[~positive]) / 2 + 0.5
    return pairs.mean(axis=1), pairs.mean(axis=0)


def test_delong_gives_the_published_figures_of_its_own_example():
    albumin, protein, score, benefit = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4).T
    positive = benefit == 1
    assert placements(positive, albumin)[0].mean() == pytest.approx(0.7366, abs=5e-5)
    assert placements(positive, protein)[0].mean() == pytest.approx(0.6478, abs=5e-5)
    assert placements(positive, 10 - score)[0].mean() == pytest.approx(0.7258, abs=5e-5)
    for test, z_squared, p in ((albumin, 0.0127, 0.9102), (protein, 0.5554, 0.4561)):
        z, found = delong(positive, test, 10 - score)
        assert z**2 == pytest.approx(z_squared, abs=5e-5)
        assert found == pytest.approx(p, abs=5e-5)


def test_delong_by_hand():
    # positives 0.9, 0.4; negatives 0.5, 0.1. Ours places the positives above 1 and 1/2 of the negatives, the negatives
    # below 1/2 and 1 of the positives; the other one places all at 1/2: differences 1/2, 0 and 0, 1/2, both of variance 1/8.
    positive = np.array([True, True, False, False])
    z, p = delong(positive, np.array([0.9, 0.4, 0.5, 0.1]), np.full(4, 0.5))
    assert z == pytest.approx(0.25 / np.sqrt(1 / 8 / 2 + 1 / 8 / 2))
    assert p == pytest.approx(2 * stats.norm.sf(z))


def test_delong_changes_sign_with_the_order_and_agrees_with_its_definition():
    rng = np.random.default_rng(8)
    positive = np.repeat([True, False], [38, 17])
    ours, theirs = (np.round(rng.normal(size=55) + positive, 1) for _ in range(2))
    differences = [a - b for a, b in zip(placements(positive, ours), placements(positive, theirs), strict=True)]
    variance = sum(np.var(part, ddof=1) / len(part) for part in differences)
    z, p = delong(positive, ours, theirs)
    assert z == pytest.approx(differences[0].mean() / np.sqrt(variance))
    assert delong(positive, theirs, ours) == pytest.approx((-z, p))


def test_delong_agrees_with_the_bootstrap_of_patients():
    rng = np.random.default_rng(9)
    positive = np.repeat([True, False], [120, 90])
    truth = rng.normal(size=210) + positive
    ours, theirs = (truth + rng.normal(0, spread, 210) for spread in (0.6, 1.2))
    z, _ = delong(positive, ours, theirs)
    both = [
        Scores(positive.astype(int), np.arange(210), np.stack([-part, part], axis=-1)[None, None], np.zeros((1, 210), int))
        for part in (ours, theirs)
    ]
    counts = resample_patients(both[0], 4000, np.random.default_rng(10))
    differences = bootstrap_aucs(both[0], counts) - bootstrap_aucs(both[1], counts)
    assert z == pytest.approx(differences.mean() / differences.std(), rel=0.06)


@pytest.mark.parametrize(
    ("labels", "scenario", "reference"),
    [
        ([0, 0, 1, 1], [0.3, 0.8, 0.5, 0.6], [0.3, 0.8, 0.5, 0.6]),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], [0.3, 0.4, 0.5, 0.6]),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], [0.8, 0.9, 0.1, 0.2]),
        ([0, 0, 0, 1], [0.2, 0.1, 0.9, 0.4], [0.9, 0.3, 0.1, 0.2]),
    ],
    ids=["identical", "both perfect", "perfect and reversed", "one positive"],
)
def test_delong_is_undefined_without_variance_or_cases(labels, scenario, reference):
    assert delong(np.array(labels) == 1, np.array(scenario), np.array(reference)) == (None, None)


def test_nadeau_bengio_by_hand():
    # differences 1, 2, 3, 4: mean 5/2, variance 5/3; two folds a repeat, so as many test as training patients
    t, p = nadeau_bengio(np.array([1.0, 2.0, 3.0, 4.0]), 1.0)
    assert t == pytest.approx(2.5 / np.sqrt((1 / 4 + 1) * 5 / 3))
    assert p == pytest.approx(2 * stats.t.sf(t, 3))


def test_nadeau_bengio_without_test_patients_is_the_plain_t_test():
    differences = np.random.default_rng(11).normal(0.1, 1, 10)
    expected = stats.ttest_1samp(differences, 0)
    assert nadeau_bengio(differences, 0.0) == pytest.approx((expected.statistic, expected.pvalue))


@pytest.mark.parametrize("differences", [[0.1, 0.1, 0.1], [0.1, np.nan, 0.2], [0.1]], ids=["constant", "a fold without", "one"])
def test_nadeau_bengio_is_undefined_without_variance_or_a_folds_auc(differences):
    assert nadeau_bengio(np.array(differences), 0.25) == (None, None)


def test_holm_gives_the_published_example():
    # https://en.wikipedia.org/wiki/Holm-Bonferroni_method: at 5 %, the first and the fourth are rejected
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_never_exceeds_one_and_leaves_out_what_is_undefined():
    assert holm([0.9, None, 0.8, 0.02]) == [1.0, None, 1.0, pytest.approx(0.06)]
    assert holm([None, None]) == [None, None]
    assert holm([]) == []
