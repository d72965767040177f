"""The study's answer: each scenario's AUC with its uncertainty, and its difference to real images alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.params import Params
from synthtrace.seeds import Seeds
from synthtrace.statistics import (
    Scores,
    bootstrap_aucs,
    interval,
    mean_roc,
    paired_t,
    patient_level,
    resample_patients,
    scores_of,
    seed_aucs,
)
from synthtrace.tables import read_predictions

REFERENCE = "real"
LEVELS = {"auc_image": ("versus_real", lambda scores: scores), "auc_patient": ("versus_real_patient", patient_level)}
FPR = np.arange(101) / 100


@dataclass(frozen=True)
class Comparison:
    """`summary` as written to metrics/summary.json; `auc` and `roc` are the tables behind the plots."""

    summary: dict[str, Any]
    auc: pd.DataFrame
    roc: pd.DataFrame


def from_predictions(folder: Path, params: Params) -> Comparison:
    """The comparison that a study's parameters ask for, of the predictions tables in a folder; raises as `read_scenarios`."""
    tables = read_scenarios(folder, [REFERENCE, "traditional", *params.generator.kinds], params.mixing_rate)
    rng = Seeds(params.seed).stream("compare", "bootstrap")
    return compare(tables, params.mixing_rate, params.compare.bootstrap, rng)


def read_scenarios(folder: Path, scenarios: list[str], mixing_rate: float) -> dict[str, pd.DataFrame]:
    """Predictions of each scenario, checked to be comparable: `<folder>/<scenario>.parquet`.

    Raises:
        InputError: a table is missing or empty, was made at another mixing rate, lacks a class, or does not judge every image
            of `real` once for every backbone and seed of `real`, under the same patient and label.
    """
    tables: dict[str, pd.DataFrame] = {}
    for scenario in scenarios:
        path = Path(folder) / f"{scenario}.parquet"
        table = read_predictions(path)
        expected = 0.0 if scenario == REFERENCE else mixing_rate
        other = table.loc[table["mixing_rate"] != expected, "mixing_rate"]
        if table.empty:
            raise InputError(f"{path}: holds no predictions")
        if len(other):
            raise InputError(
                f"{path}: holds predictions at mixing_rate {other.iloc[0]}; expected {expected}, so classify again"
            )
        tables[scenario] = table
        _check_same_images(table, tables[REFERENCE], path)
    return tables


def _check_same_images(table: pd.DataFrame, reference: pd.DataFrame, path: Path) -> None:
    cells = ["backbone", "seed"]
    images = reference[["image_id", "patient_id", "label"]].drop_duplicates()
    expected = reference[cells].drop_duplicates().merge(images, how="cross")
    repeated = table[table.duplicated([*cells, "image_id"])]
    if len(repeated):
        row = repeated.iloc[0]
        raise InputError(f"{path}: image {row.image_id!r} has two predictions of {row.backbone}, seed {row.seed}; expected one")
    both = table.merge(expected, how="outer", on=list(expected.columns), indicator=True)
    odd = both[both["_merge"] != "both"]
    if len(odd):
        row = odd.iloc[0]
        found = "has no prediction" if row["_merge"] == "right_only" else "has a prediction that `real` lacks"
        raise InputError(
            f"{path}: image {row.image_id!r} of patient {row.patient_id!r}, label {row.label}, {found} by {row.backbone}, seed "
            f"{row.seed}; expected every image of `real` once a backbone and seed"
        )
    probabilities = sum(name[0] == "p" and name[1:].isdigit() for name in table.columns)
    for label in range(probabilities):
        if label not in set(table["label"]):
            raise InputError(f"{path}: no image has label {label}, which the probabilities p0 to p{probabilities - 1} foresee")


def compare(tables: dict[str, pd.DataFrame], mixing_rate: float, resamples: int, rng: np.random.Generator) -> Comparison:
    """Compare scenarios with `real`, which must be among the tables.

    A resample draws the same patients for every scenario, level and backbone: differences are paired. Headline numbers and ROC
    curves are the first backbone's (in the table's order); further ones appear under "backbones".

    Args:
        tables: what `read_scenarios` returns.
        mixing_rate: synthetic / real images, for the summary.
        resamples: number of bootstrap resamples.
        rng: draws the resamples.
    """
    backbones = list(tables[REFERENCE]["backbone"].drop_duplicates())
    scores = {
        backbone: {scenario: scores_of(table[table["backbone"] == backbone]) for scenario, table in tables.items()}
        for backbone in backbones
    }
    reference = scores[backbones[0]][REFERENCE]
    counts = resample_patients(reference, resamples, rng)
    entries = {backbone: _entries(scores[backbone], counts) for backbone in backbones}
    summary: dict[str, Any] = {
        "mixing_rate": float(mixing_rate),
        "patients": counts.shape[1],
        "images": len(reference.labels),
        "seeds": len(reference.probabilities),
        "scenarios": entries[backbones[0]],
    }
    if len(backbones) > 1:
        summary["backbones"] = {backbone: entries[backbone] for backbone in backbones[1:]}
    seeds = sorted(tables[REFERENCE]["seed"].unique())
    auc = pd.concat(
        pd.DataFrame(
            {"scenario": scenario, "backbone": backbone, "seed": seeds}
            | {level: seed_aucs(view(scores[backbone][scenario])) for level, (_, view) in LEVELS.items()}
        )
        for backbone in backbones
        for scenario in tables
    )
    roc = pd.concat(
        pd.DataFrame({"scenario": scenario, "fpr": FPR, "tpr": mean_roc(of_scenario, FPR)})
        for scenario, of_scenario in scores[backbones[0]].items()
    )
    return Comparison(summary, auc, roc)


def _entries(scores: dict[str, Scores], counts: np.ndarray) -> dict[str, Any]:
    """The summary of each scenario of a backbone."""
    entries: dict[str, dict[str, Any]] = {scenario: {} for scenario in scores}
    differences: dict[str, dict[str, Any]] = {scenario: {} for scenario in scores}
    for level, (versus, view) in LEVELS.items():
        for scenario, of_scenario in scores.items():
            at_level = view(of_scenario)
            aucs, samples = seed_aucs(at_level), bootstrap_aucs(at_level, counts)
            entries[scenario][level] = {
                "mean": float(aucs.mean()),
                "sd": float(aucs.std(ddof=1)) if len(aucs) > 1 else None,
                "ci95": interval(samples),
            }
            if scenario == REFERENCE:
                real_aucs, real_samples = aucs, samples
                continue
            t, p = paired_t(aucs, real_aucs)
            differences[scenario][versus] = {
                "difference": float((aucs - real_aucs).mean()),
                "ci95": interval(samples - real_samples),
                "t": t,
                "p": p,
            }
    return {scenario: entry | differences[scenario] for scenario, entry in entries.items()}
