from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from synthtrace.statistics import scores as table_scores
from synthtrace.statistics.auc import auc, fold_aucs, mean_roc, seed_aucs
from synthtrace.statistics.bootstrap import bootstrap_aucs, interval, resample_patients
from synthtrace.statistics.scores import Scores, patient_level

TWO, THREE = {0: 9, 1: 14}, {0: 6, 1: 8, 2: 7}


def scores_of(predictions: pd.DataFrame) -> Scores:
    """Five folds a repeat, as the fixture deals them."""
    return table_scores.scores_of(predictions, 5)


def binary(labels: list[int], scores: list[float], patients: list[int] | None = None) -> Scores:
    """One seed, one fold, class-1 scores as given."""
    positive = np.array(scores)
    owners = np.arange(len(labels)) if patients is None else np.array(patients)
    return Scores(
        np.array(labels), owners, np.stack([1 - positive, positive], axis=-1)[None, None], np.zeros((1, len(labels)), int)
    )


def resampled_aucs(scores: Scores, count: np.ndarray) -> list[float]:
    """AUC of each seed with every patient's rows written out as often as it was drawn."""
    rows = np.concatenate([np.flatnonzero(scores.patients == patient) for patient, n in enumerate(count) for _ in range(n)])
    return [auc(scores.labels[rows], probabilities[rows]) for probabilities in scores.runs]


def test_auc_by_hand():
    labels = np.array([0, 0, 1, 1])
    positive = np.array([0.1, 0.5, 0.5, 0.4])
    # pairs (negative, positive): .1<.5 win, .1<.4 win, .5=.5 half, .5>.4 lost
    assert auc(labels, np.stack([1 - positive, positive], axis=1)) == 2.5 / 4


def test_auc_of_three_classes_is_the_macro_average_of_one_against_the_rest(predict):
    table = predict(THREE, seeds=1)
    shares = table[["p0", "p1", "p2"]].to_numpy() + 0.01
    shares /= shares.sum(axis=1, keepdims=True)
    expected = roc_auc_score(table["label"], shares, multi_class="ovr", average="macro")
    assert auc(table["label"].to_numpy(), shares) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("patients", [TWO, THREE])
@pytest.mark.parametrize("level", [lambda scores: scores, patient_level], ids=["image", "patient"])
def test_weighted_wins_equal_written_out_resamples(predict, patients, level):
    scores = level(scores_of(predict(patients, seeds=3)))
    counts = resample_patients(scores, 20, np.random.default_rng(1))
    expected = [np.mean(resampled_aucs(scores, count)) for count in counts]
    np.testing.assert_allclose(bootstrap_aucs(scores, counts), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("patients", [TWO, THREE])
def test_each_patient_drawn_once_gives_the_plain_auc(predict, patients):
    scores = scores_of(predict(patients))
    once = np.ones((1, scores.patients.max() + 1), dtype=np.int64)
    assert bootstrap_aucs(scores, once)[0] == pytest.approx(seed_aucs(scores).mean(), abs=1e-12)


def test_resamples_keep_the_number_of_patients_of_each_class(predict):
    scores = scores_of(predict(TWO))
    counts = resample_patients(scores, 500, np.random.default_rng(1))
    label_of = np.zeros(counts.shape[1], dtype=int)
    label_of[scores.patients] = scores.labels
    assert (counts[:, label_of == 0].sum(axis=1) == TWO[0]).all()
    assert (counts[:, label_of == 1].sum(axis=1) == TWO[1]).all()
    assert (counts.std(axis=0) > 0).all()


def test_groups_of_mixed_labels_are_drawn_whole():
    scores = binary([0, 1, 0, 1, 0, 1], [0.2, 0.4, 0.3, 0.8, 0.9, 0.1], patients=[0, 0, 1, 2, 3, 3])
    counts = resample_patients(scores, 50, np.random.default_rng(1))
    assert (counts[:, [0, 3]].sum(axis=1) == 2).all()
    expected = [np.mean(resampled_aucs(scores, count)) for count in counts]
    np.testing.assert_allclose(bootstrap_aucs(scores, counts), expected, rtol=0, atol=1e-12)


def test_a_patients_score_is_the_mean_over_frames():
    scores = patient_level(binary([0, 0, 1, 1, 1], [0.0, 0.5, 0.5, 0.1, 0.3], patients=[0, 0, 1, 1, 1]))
    np.testing.assert_allclose(scores.probabilities[0, 0, :, 1], [0.25, 0.3])
    assert scores.labels.tolist() == [0, 1]
    assert scores.patients.tolist() == [0, 1]


def test_rows_may_come_in_any_order(predict):
    table = predict(TWO)
    first, second = scores_of(table), scores_of(table.sample(frac=1, random_state=0))
    for name in ("labels", "patients", "probabilities", "folds"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_permuted_labels_of_whole_patients_give_a_mean_auc_of_one_half(predict):
    scores = scores_of(predict({0: 17, 1: 38}, signal=3.0, frames=4, seeds=1))
    assert seed_aucs(scores)[0] > 0.8
    label_of = np.zeros(55, dtype=int)
    label_of[scores.patients] = scores.labels
    rng = np.random.default_rng(2)
    for level in (lambda scores: scores, patient_level):
        aucs = [seed_aucs(level(replace(scores, labels=rng.permutation(label_of)[scores.patients])))[0] for _ in range(200)]
        assert abs(np.mean(aucs) - 0.5) < 4 * np.std(aucs) / np.sqrt(len(aucs))
        assert np.std(aucs) < 0.12


def test_frames_of_one_patient_do_not_shrink_the_interval(predict):
    """Ten equal frames a patient hold no more than one: the intervals agree, and a bootstrap of images would be narrower."""
    table = predict({0: 17, 1: 38}, frames=1, seeds=1)
    copies = pd.concat([table.assign(image_id=table["image_id"] + f"-{copy}") for copy in range(10)])
    counts = resample_patients(scores_of(table), 1000, np.random.default_rng(3))
    one, ten = (interval(bootstrap_aucs(scores_of(rows), counts)) for rows in (table, copies))
    assert ten == pytest.approx(one, abs=1e-12)
    as_patients = scores_of(copies.assign(patient_id=copies["image_id"]))
    naive = interval(bootstrap_aucs(as_patients, resample_patients(as_patients, 1000, np.random.default_rng(3))))
    assert naive[1] - naive[0] < 0.5 * (ten[1] - ten[0])


def test_bootstrap_spread_agrees_with_delong_for_independent_images():
    rng = np.random.default_rng(4)
    negative, positive = rng.normal(0, 1, 80), rng.normal(1, 1, 120)
    scores = binary([0] * 80 + [1] * 120, [*negative, *positive])
    wins = positive[:, None] > negative
    delong = np.sqrt(wins.mean(axis=1).var(ddof=1) / 120 + wins.mean(axis=0).var(ddof=1) / 80)
    samples = bootstrap_aucs(scores, resample_patients(scores, 4000, np.random.default_rng(5)))
    assert samples.std() == pytest.approx(delong, rel=0.06)


def test_the_auc_of_a_repeated_study_is_the_mean_over_repeats(predict):
    table = predict(TWO, seeds=3, repeats=2)
    both = scores_of(table)
    once = [scores_of(table[table["fold"] // 5 == repeat].assign(fold=lambda rows: rows["fold"] % 5)) for repeat in (0, 1)]
    for level in (lambda scores: scores, patient_level):
        parts = [seed_aucs(level(scores)) for scores in once]
        assert not np.array_equal(*parts)
        np.testing.assert_allclose(seed_aucs(level(both)), np.mean(parts, axis=0), rtol=0, atol=1e-12)


def test_a_resample_draws_the_same_patients_in_every_repeat(predict):
    """A second deal that predicts the same adds nothing: intervals stay as they are."""
    table = predict(TWO, seeds=2)
    again = pd.concat([table, table.assign(fold=table["fold"] + 5)])
    counts = resample_patients(scores_of(table), 50, np.random.default_rng(1))
    np.testing.assert_array_equal(bootstrap_aucs(scores_of(again), counts), bootstrap_aucs(scores_of(table), counts))


def test_fold_aucs_are_those_of_each_fold_alone(predict):
    table = predict({0: 10, 1: 15}, seeds=2, repeats=2)
    aucs = fold_aucs(scores_of(table))
    assert aucs.shape == (2, 10)
    for seed, fold in ((0, 0), (1, 7)):
        part = table[(table["seed"] == seed) & (table["fold"] == fold)]
        assert aucs[seed, fold] == pytest.approx(roc_auc_score(part["label"], part["p1"]), abs=1e-12)


def test_a_fold_whose_test_part_lacks_a_class_has_no_auc(predict):
    aucs = fold_aucs(scores_of(predict({0: 4, 1: 10}, seeds=2)))
    assert np.isnan(aucs[:, 4]).all()
    assert np.isfinite(aucs[:, :4]).all()


def test_mean_roc_by_hand():
    # scores fall as P, N, P, N: half the positives at no false positive, all of them from one half on
    scores = binary([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    np.testing.assert_allclose(mean_roc(scores, np.array([0.0, 0.25, 0.5, 0.75, 1.0])), [0.5, 0.5, 1, 1, 1])


def test_mean_roc_encloses_the_mean_auc(predict):
    scores = scores_of(predict(TWO, seeds=3))
    fpr = np.linspace(0, 1, 20001)
    assert np.trapezoid(mean_roc(scores, fpr), fpr) == pytest.approx(seed_aucs(scores).mean(), abs=1e-3)
