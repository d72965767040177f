"""The patient-level bootstrap: what the study might have said of other patients."""

import numpy as np

from synthtrace.statistics.auc import judged_classes
from synthtrace.statistics.scores import Scores


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
    """(resamples,) AUC of each resample, averaged over seeds and rounds, all of which draw the same patients.

    AUC is the share of (positive, negative) pairs of rows in which the positive scores higher, a tie counting half. Summed over
    the rows of patients p and q and over runs (seeds in rounds), these wins form a matrix W, and a resample that draws patient
    p w_p times has the AUC  w' W w / (pairs drawn x runs).  Half wins are whole numbers: the result is exact whatever the order
    of summation.
    """
    runs = scores.runs
    judged = judged_classes(runs.shape[2])
    total = np.zeros(len(counts))
    for label in judged:
        positive = scores.labels == label
        won, losing = runs[:, positive, label], runs[:, ~positive, label]
        winners, first_won, rows_won = np.unique(scores.patients[positive], return_index=True, return_counts=True)
        losers, first_lost, rows_lost = np.unique(scores.patients[~positive], return_index=True, return_counts=True)
        half_wins = np.zeros((len(winners), len(losers)), dtype=np.int64)
        for high, low in zip(won, losing, strict=True):
            pairs = (high[:, None] > low).astype(np.int8) + (high[:, None] >= low)
            by_loser = np.add.reduceat(pairs, first_lost, axis=1, dtype=np.int64)
            half_wins += np.add.reduceat(by_loser, first_won, axis=0)
        drawn_won, drawn_lost = counts[:, winners].astype(np.float64), counts[:, losers].astype(np.float64)
        summed = ((drawn_won @ half_wins.astype(np.float64)) * drawn_lost).sum(axis=1)
        total += summed / (2 * len(runs) * (drawn_won @ rows_won) * (drawn_lost @ rows_lost))
    return total / len(judged)


def interval(samples: np.ndarray) -> list[float]:
    """The 95 % percentile interval [lo, hi] of bootstrap samples."""
    return [float(bound) for bound in np.quantile(samples, [0.025, 0.975])]
