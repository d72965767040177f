"""Out-of-fold scores as arrays: seeds, rounds (deals of the folds, or training subsets), images or patients, classes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Scores:
    """Out-of-fold scores of one scenario, backbone and mixing rate, rows ordered by patient.

    `labels` (n,) integer classes; `patients` (n,) positions in the sorted list of patients; `probabilities` (seeds, rounds, n,
    classes), seeds and rounds in ascending order, the folds of a round concatenated as in paper 0; `folds` (rounds, n) the
    fold that tested a row in each round.
    """

    labels: np.ndarray
    patients: np.ndarray
    probabilities: np.ndarray
    folds: np.ndarray

    @property
    def runs(self) -> np.ndarray:
        """(seeds x rounds, n, classes): every seed in every round tests each row once."""
        return self.probabilities.reshape(-1, *self.probabilities.shape[2:])


def scores_of(predictions: pd.DataFrame, folds_a_round: int) -> Scores:
    """Scores from the rows of a predictions table that belong to one backbone and mixing rate.

    Every seed must hold the same images once a round (synthtrace.compare checks it); round r is the folds from
    r x `folds_a_round` on.
    """
    rows = predictions.assign(round=predictions["fold"] // folds_a_round)
    rows = rows.sort_values(["seed", "round", "patient_id", "image_id"])
    names = sorted((name for name in rows.columns if name[0] == "p" and name[1:].isdigit()), key=lambda name: int(name[1:]))
    seeds, rounds = rows["seed"].nunique(), rows["round"].nunique()
    once = rows[: len(rows) // (seeds * rounds)]
    patients = np.unique(once["patient_id"].to_numpy(dtype=str), return_inverse=True)[1]
    probabilities = rows[names].to_numpy(dtype=np.float64).reshape(seeds, rounds, len(once), len(names))
    folds = rows["fold"].to_numpy(dtype=np.int64)[: rounds * len(once)].reshape(rounds, len(once))
    order = np.argsort(patients, kind="stable")  # the sort above and numpy's need not agree on every string
    labels = once["label"].to_numpy(dtype=np.int64)
    return Scores(labels[order], patients[order], probabilities[:, :, order], folds[:, order])


def patient_level(scores: Scores) -> Scores:
    """One row a patient, scored by the mean over frames; a group of mixed labels gives one row for each of its labels."""
    units, first, unit_of = np.unique(
        np.stack([scores.patients, scores.labels]), axis=1, return_index=True, return_inverse=True
    )
    runs = scores.runs
    sums = np.zeros((units.shape[1], len(runs), runs.shape[2]))
    np.add.at(sums, unit_of.ravel(), runs.transpose(1, 0, 2))
    means = (sums / np.bincount(unit_of.ravel())[:, None, None]).transpose(1, 0, 2)
    seeds, rounds = scores.probabilities.shape[:2]
    return Scores(units[1], units[0], means.reshape(seeds, rounds, *means.shape[1:]), scores.folds[:, first])
