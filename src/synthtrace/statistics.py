"""Out-of-fold AUC, its uncertainty over patients, and paired comparisons.

Two kinds of spread stand side by side, and they answer different questions. Over *seeds*: how much does the same study on the
same patients move when only the training noise changes? Over *patients* (the bootstrap): how much would it move with other
patients? Seeds are not independent patients: more seeds shrink the first spread towards nothing and leave the second alone, so
only the second can carry a claim about patients who are yet to come. Neither covers a generator or a fold split that was drawn
once and shared by all seeds.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve


@dataclass(frozen=True)
class Scores:
    """Out-of-fold scores of one scenario and backbone, rows ordered by patient.

    `labels` (n,) integer classes; `patients` (n,) positions in the sorted list of patients; `probabilities` (seeds, n,
    classes), seeds in ascending order, folds concatenated within a seed as in paper 0.
    """

    labels: np.ndarray
    patients: np.ndarray
    probabilities: np.ndarray


def scores_of(predictions: pd.DataFrame) -> Scores:
    """Scores from the rows of a predictions table that belong to one backbone and mixing rate.

    Every seed must hold the same images once each (synthtrace.compare checks it).
    """
    rows = predictions.sort_values(["seed", "patient_id", "image_id"])
    names = sorted((name for name in rows.columns if name[0] == "p" and name[1:].isdigit()), key=lambda name: int(name[1:]))
    seeds = rows["seed"].drop_duplicates()
    once = rows[rows["seed"] == seeds.iloc[0]]
    patients = np.unique(once["patient_id"].to_numpy(dtype=str), return_inverse=True)[1]
    probabilities = rows[names].to_numpy(dtype=np.float64).reshape(len(seeds), len(once), len(names))
    order = np.argsort(patients, kind="stable")  # the sort above and numpy's need not agree on every string
    return Scores(once["label"].to_numpy(dtype=np.int64)[order], patients[order], probabilities[:, order])


def patient_level(scores: Scores) -> Scores:
    """One row a patient, scored by the mean over frames; a group of mixed labels gives one row for each of its labels."""
    units, unit_of = np.unique(np.stack([scores.patients, scores.labels]), axis=1, return_inverse=True)
    sums = np.zeros((units.shape[1], len(scores.probabilities), scores.probabilities.shape[2]))
    np.add.at(sums, unit_of.ravel(), scores.probabilities.transpose(1, 0, 2))
    means = sums / np.bincount(unit_of.ravel())[:, None, None]
    return Scores(units[1], units[0], means.transpose(1, 0, 2))


def _judged(classes: int) -> list[int]:
    """Classes whose one-vs-rest AUCs are averaged: class 1 stands for two classes."""
    return [1] if classes == 2 else list(range(classes))


def auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Area under the ROC curve in [0, 1]: of class 1 for two classes, one-vs-rest macro average for more.

    Args:
        labels: (n,) integer classes, each of which must occur.
        probabilities: (n, classes).
    """
    judged = _judged(probabilities.shape[1])
    return float(np.mean([roc_auc_score(labels == label, probabilities[:, label]) for label in judged]))


def seed_aucs(scores: Scores) -> np.ndarray:
    """(seeds,) out-of-fold AUC of each seed. Their spread is training noise on fixed patients, nothing else."""
    return np.array([auc(scores.labels, probabilities) for probabilities in scores.probabilities])


def resample_patients(scores: Scores, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """(resamples, patients) how often each patient is drawn in each bootstrap resample.

    Whole patients are drawn with replacement, because frames of one patient are not independent. They are drawn within strata
    of patients that carry the same labels: the class sizes are fixed by the study's design, AUC does not depend on prevalence,
    and with a dozen patients a free resample would now and then hold one class alone and have no AUC.
    """
    count = int(scores.patients.max()) + 1
    carries = np.zeros((count, int(scores.labels.max()) + 1), dtype=bool)
    carries[scores.patients, scores.labels] = True
    strata = np.unique(carries, axis=0, return_inverse=True)[1].ravel()
    counts = np.zeros((resamples, count), dtype=np.int64)
    for stratum in range(strata.max() + 1):
        members = np.flatnonzero(strata == stratum)
        counts[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=resamples)
    return counts


def bootstrap_aucs(scores: Scores, counts: np.ndarray) -> np.ndarray:
    """(resamples,) AUC of each resample, averaged over seeds.

    AUC is the share of (positive, negative) pairs of rows in which the positive scores higher, a tie counting half. Summed over
    the rows of patients p and q and over seeds, these wins form a matrix W, and a resample that draws patient p w_p times has
    the AUC  w' W w / (pairs drawn x seeds).  Half wins are whole numbers: the result is exact whatever the order of summation.
    """
    seeds, _, classes = scores.probabilities.shape
    judged = _judged(classes)
    total = np.zeros(len(counts))
    for label in judged:
        positive = scores.labels == label
        won, losing = scores.probabilities[:, positive, label], scores.probabilities[:, ~positive, label]
        winners, first_won, rows_won = np.unique(scores.patients[positive], return_index=True, return_counts=True)
        losers, first_lost, rows_lost = np.unique(scores.patients[~positive], return_index=True, return_counts=True)
        half_wins = np.zeros((len(winners), len(losers)), dtype=np.int64)
        for high, low in zip(won, losing, strict=True):
            pairs = (high[:, None] > low).astype(np.int8) + (high[:, None] >= low)
            by_loser = np.add.reduceat(pairs, first_lost, axis=1, dtype=np.int64)
            half_wins += np.add.reduceat(by_loser, first_won, axis=0)
        drawn_won, drawn_lost = counts[:, winners].astype(np.float64), counts[:, losers].astype(np.float64)
        summed = ((drawn_won @ half_wins.astype(np.float64)) * drawn_lost).sum(axis=1)
        total += summed / (2 * seeds * (drawn_won @ rows_won) * (drawn_lost @ rows_lost))
    return total / len(judged)


def interval(samples: np.ndarray) -> list[float]:
    """The 95 % percentile interval [lo, hi] of bootstrap samples."""
    return [float(bound) for bound in np.quantile(samples, [0.025, 0.975])]


def paired_t(scenario: np.ndarray, reference: np.ndarray) -> tuple[float | None, float | None]:
    """Statistic t and two-sided p of paper 0's paired t-test over seeds, both (seeds,) in the same order.

    It asks whether the mean difference over *retrainings on these very patients* is zero; a small p is no evidence about other
    patients. One seed, or a difference that does not vary, has no t: (None, None).
    """
    differences = scenario - reference
    # AUCs are multiples of 1 / (2 x pairs): a spread this small is rounding
    if len(differences) < 2 or np.ptp(differences) < 1e-12:
        return None, None
    result = stats.ttest_rel(scenario, reference)
    return float(result.statistic), float(result.pvalue)


def mean_roc(scores: Scores, fpr: np.ndarray) -> np.ndarray:
    """True positive rates at the false positive rates `fpr`, averaged vertically over seeds (and classes when over two)."""
    curves = []
    for probabilities in scores.probabilities:
        for label in _judged(probabilities.shape[1]):
            x, y, _ = roc_curve(scores.labels == label, probabilities[:, label], drop_intermediate=False)
            curves.append(np.interp(fpr, x, y))
    return np.mean(curves, axis=0)
