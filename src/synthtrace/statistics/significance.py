"""Tests of a difference of two AUCs, and what many of them at once are worth. An undefined test is (None, None), never NaN."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

# AUCs are multiples of 1 / (2 x pairs): a spread this small is rounding
ROUNDING = 1e-12

Test = tuple[float | None, float | None]


def paired_t(scenario: np.ndarray, reference: np.ndarray) -> Test:
    """Statistic t and two-sided p of paper 0's paired t-test over seeds, both (seeds,) in the same order.

    It asks whether the mean difference over *retrainings on these very patients* is zero; a small p is no evidence about other
    patients. One seed, or a difference that does not vary, has no t.
    """
    differences = scenario - reference
    if len(differences) < 2 or np.ptp(differences) < ROUNDING:
        return None, None
    result = stats.ttest_rel(scenario, reference)
    return float(result.statistic), float(result.pvalue)


def delong(positive: np.ndarray, scenario: np.ndarray, reference: np.ndarray) -> Test:
    """Statistic z and two-sided p of DeLong, DeLong and Clarke-Pearson (1988) for two AUCs on the same cases.

    Each positive is placed among the negatives, each negative among the positives; the variance of the difference of two AUCs
    is that of the differences of these placements, taken from midranks as in Sun and Xu (2014). The normal approximation asks
    for some dozens of cases; cases must be independent, so rows are patients, never images.

    Args:
        positive: (n,) bool.
        scenario: (n,) one score a case.
        reference: (n,) the other score of the same cases.

    Returns:
        (z, p), z above 0 where the scenario's AUC is higher; no z with fewer than two cases of a class, or where the
        difference of placements does not vary.
    """
    placed = [_placements(positive, scores) for scores in (scenario, reference)]
    differences = [ours - theirs for ours, theirs in zip(*placed, strict=True)]
    if min(map(len, differences)) < 2 or all(np.ptp(part) < ROUNDING for part in differences):
        return None, None
    variance = sum(part.var(ddof=1) / len(part) for part in differences)
    z = differences[0].mean() / np.sqrt(variance)
    return float(z), float(2 * stats.norm.sf(abs(z)))


def _placements(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each positive the share of negatives below it, for each negative the share of positives above it; ties count half."""
    ranks, count = stats.rankdata(scores), int(positive.sum())
    below = (ranks[positive] - stats.rankdata(scores[positive])) / (len(scores) - count)
    above = 1 - (ranks[~positive] - stats.rankdata(scores[~positive])) / count
    return below, above


def nadeau_bengio(differences: np.ndarray, test_to_train: float) -> Test:
    """Statistic t and two-sided p of the corrected resampled t-test (Nadeau and Bengio 2003) over folds of repeated re-splits.

    Training sets of re-splits overlap, so that differences of folds are no independent draws: their variance is not divided by
    their number J but multiplied by 1 / J + n_test / n_train, and t has J - 1 degrees of freedom (for repeated k-fold:
    Bouckaert and Frank 2004). The correction is about training sets that are drawn again and again. The folds of one split
    are a partition, drawn once: there the test does not apply, and nothing makes up for it, for their variance has no unbiased
    estimator (Bengio and Grandvalet 2004).

    Args:
        differences: (J,) scenario - reference, a fold of every repeat each; NaN where a fold has no AUC.
        test_to_train: n_test / n_train, in patients: 1 / (folds a repeat - 1).

    Returns:
        (t, p); no t where a fold has no AUC or the differences do not vary.
    """
    if np.isnan(differences).any() or len(differences) < 2 or np.ptp(differences) < ROUNDING:
        return None, None
    count = len(differences)
    t = differences.mean() / np.sqrt((1 / count + test_to_train) * differences.var(ddof=1))
    return float(t), float(2 * stats.t.sf(abs(t), count - 1))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Adjust p values by Holm (1979), in the order given: all at most 0.05 hold together at a family-wise error of 5 %.

    An undefined p stays undefined and does not count in the family, as in R's p.adjust.
    """
    ascending = sorted((value, position) for position, value in enumerate(values) if value is not None)
    adjusted: list[float | None] = [None] * len(values)
    worst = 0.0
    for passed, (value, position) in enumerate(ascending):
        worst = max(worst, min(1.0, value * (len(ascending) - passed)))
        adjusted[position] = worst
    return adjusted
