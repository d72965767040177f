"""A scenario judged by image and by patient, and the paired differences of several scenarios to one reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthtrace.statistics.auc import seed_aucs
from synthtrace.statistics.bootstrap import bootstrap_aucs, interval
from synthtrace.statistics.classification import round_scores
from synthtrace.statistics.scores import Scores, patient_level
from synthtrace.statistics.significance import Test, holm, paired_t

# level -> how its difference to real images is called
LEVELS = {"auc_image": "versus_real", "auc_patient": "versus_real_patient"}


@dataclass(frozen=True)
class Judged:
    """Scores at one level, their AUC a seed (seeds,) and their AUC a bootstrap resample (resamples,), the mean over seeds."""

    scores: Scores
    aucs: np.ndarray
    samples: np.ndarray


def judge(scores: Scores, counts: np.ndarray) -> dict[str, Judged]:
    """Judge scores at each of LEVELS; `counts` are the patients of each resample."""
    views = {"auc_image": scores, "auc_patient": patient_level(scores)}
    return {level: Judged(view, seed_aucs(view), bootstrap_aucs(view, counts)) for level, view in views.items()}


def spread(judged: Judged) -> dict[str, Any]:
    """Mean and deviation over seeds (null for one), interval over patients."""
    return mean_and_sd(judged.aucs) | {"ci95": interval(judged.samples)}


def mean_and_sd(values: np.ndarray) -> dict[str, float | None]:
    """Mean and deviation (ddof 1; null for one) over seeds, or over rounds."""
    return {"mean": float(values.mean()), "sd": float(values.std(ddof=1)) if len(values) > 1 else None}


def scores_on_images(judged: dict[str, Judged]) -> dict[str, dict[str, float | None]]:
    """What the papers' tables hold: mean and deviation over rounds (of subsets: over subsets) of the means over seeds."""
    return {name: mean_and_sd(values) for name, values in round_scores(judged["auc_image"].scores).items()}


def difference(judged: Judged, real: Judged) -> dict[str, Any]:
    """Difference of the mean AUCs, with the interval of the paired bootstrap: a resample draws the same patients for both."""
    return {
        "difference": float((judged.aucs - real.aucs).mean()),
        "ci95": interval(judged.samples - real.samples),
    }


def versus(judged: Sequence[Judged], real: Judged) -> list[dict[str, Any]]:
    """Each difference to `real`, with the paired t-test over seeds, by Holm over all that are given."""
    tests = with_holm("t", [paired_t(one.aucs, real.aucs) for one in judged])
    return [difference(one, real) | test for one, test in zip(judged, tests, strict=True)]


def with_holm(statistic: str, tests: Sequence[Test]) -> list[dict[str, float | None]]:
    """Tests as {statistic, "p", "p_holm"}."""
    adjusted = holm([p for _, p in tests])
    return [{statistic: value, "p": p, "p_holm": more} for (value, p), more in zip(tests, adjusted, strict=True)]
