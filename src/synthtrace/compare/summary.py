"""The comparison at one mixing rate: metrics/summary.json and the tables behind its plots."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.compare.baselines import judge_baselines
from synthtrace.compare.checks import check_whole, images_of
from synthtrace.compare.levels import LEVELS, Judged, judge, scores_on_images, spread, versus, with_holm
from synthtrace.errors import InputError
from synthtrace.params import REAL, TRADITIONAL, Params, Split
from synthtrace.seeds import Seeds
from synthtrace.statistics.auc import fold_aucs, mean_roc
from synthtrace.statistics.bootstrap import resample_patients
from synthtrace.statistics.scores import scores_of
from synthtrace.statistics.significance import Test, delong, nadeau_bengio
from synthtrace.tables import read_predictions

FPR = np.arange(101) / 100


@dataclass(frozen=True)
class Comparison:
    """`summary` as written to metrics/summary.json; `auc` and `roc` are the tables behind the plots."""

    summary: dict[str, Any]
    auc: pd.DataFrame
    roc: pd.DataFrame


def from_predictions(predictions: Path, params: Params, manifest: pd.DataFrame | None = None) -> Comparison:
    """The comparison that a study's parameters ask for, of the predictions tables in a folder.

    `manifest` is the crops', needed where `dataset.baselines` names columns of it. Raises as `read_scenarios` and
    `baselines.judge_baselines`.
    """
    return compare(read_scenarios(predictions, params), params, manifest)


def read_scenarios(folder: Path, params: Params) -> dict[str, pd.DataFrame]:
    """Predictions of each scenario of the study, checked to be comparable: `<folder>/<scenario>.parquet`.

    Raises:
        InputError: a table is missing or empty, was made at another mixing rate, lacks a class, or does not judge every image
            of `real` once a round for every backbone and seed of `real`, under the same patient and label.
    """
    tables: dict[str, pd.DataFrame] = {}
    for scenario in (REAL, TRADITIONAL, *params.generator.kinds):
        path = Path(folder) / f"{scenario}.parquet"
        table = read_predictions(path)
        rate = params.mixing_rate if params.classifier.mixes(scenario) else 0.0
        other = table.loc[table["mixing_rate"] != rate, "mixing_rate"]
        if len(other):
            raise InputError(f"{path}: holds predictions at mixing_rate {other.iloc[0]}; expected {rate}, so classify again")
        table["round"] = table["fold"] // params.split.folds_a_round
        reference = tables.get(REAL, table)
        settings = reference[["backbone", "seed"]].drop_duplicates()
        check_whole(table, settings, images_of(reference), params.split.rounds, path, "`real`")
        tables[scenario] = table
    return tables


def compare(tables: dict[str, pd.DataFrame], params: Params, manifest: pd.DataFrame | None = None) -> Comparison:
    """Compare scenarios with `real`, which must be among the tables.

    A resample draws the same patients for every scenario, level, round and backbone: differences are paired. Headline numbers
    and ROC curves are the first backbone's (in the table's order); further ones appear under "backbones".

    Args:
        tables: what `read_scenarios` returns.
        params: the study's parameters.
        manifest: the crops', for `dataset.baselines`.
    """
    split, backbones = params.split, list(tables[REAL]["backbone"].drop_duplicates())
    first = tables[REAL][tables[REAL]["backbone"] == backbones[0]]
    reference = scores_of(first, split.folds_a_round)
    counts = resample_patients(reference, params.compare.bootstrap, Seeds(params.seed).stream("compare", "bootstrap"))
    judged = {
        backbone: {
            scenario: judge(scores_of(table[table["backbone"] == backbone], split.folds_a_round), counts)
            for scenario, table in tables.items()
        }
        for backbone in backbones
    }
    entries = {backbone: _entries(judged[backbone], split) for backbone in backbones}
    summary: dict[str, Any] = {
        "mixing_rate": float(params.mixing_rate),
        "protocol": split.protocol,
        "rounds": split.rounds,
        "patients": counts.shape[1],
        "images": len(reference.labels),
        "seeds": len(reference.probabilities),
        "scenarios": entries[backbones[0]],
        "baselines": judge_baselines(params.dataset, manifest, first, judged[backbones[0]][REAL], counts),
    }
    if len(backbones) > 1:
        summary["backbones"] = {backbone: entries[backbone] for backbone in backbones[1:]}
    seeds = sorted(tables[REAL]["seed"].unique())
    auc = pd.concat(
        pd.DataFrame(
            {"scenario": scenario, "backbone": backbone, "seed": seeds}
            | {level: judged[backbone][scenario][level].aucs for level in LEVELS}
        )
        for backbone in backbones
        for scenario in tables
    )
    roc = pd.concat(
        pd.DataFrame({"scenario": scenario, "fpr": FPR, "tpr": mean_roc(levels["auc_image"].scores, FPR)})
        for scenario, levels in judged[backbones[0]].items()
    )
    return Comparison(summary, auc, roc)


def _entries(judged: dict[str, dict[str, Judged]], split: Split) -> dict[str, Any]:
    """The summary of each scenario of a backbone."""
    entries: dict[str, dict[str, Any]] = {
        scenario: {level: spread(levels[level]) for level in LEVELS} | {"scores": scores_on_images(levels)}
        for scenario, levels in judged.items()
    }
    others = [scenario for scenario in judged if scenario != REAL]
    for level, name in LEVELS.items():
        at_level = [judged[scenario][level] for scenario in others]
        for scenario, difference in zip(others, versus(at_level, judged[REAL][level]), strict=True):
            entries[scenario][name] = difference
    patients, real = [judged[scenario]["auc_patient"] for scenario in others], judged[REAL]["auc_patient"]
    of_patients = with_holm("z", [_delong(one, real) for one in patients])
    re_split = split.protocol == "kfold" and split.rounds > 1
    of_folds = with_holm("t", [_over_folds(one, real) for one in patients]) if re_split else [None] * len(others)
    for scenario, z, t in zip(others, of_patients, of_folds, strict=True):
        entries[scenario]["versus_real_patient"] |= {"delong": z, "nadeau_bengio": t}
    return entries


def _delong(scenario: Judged, real: Judged) -> Test:
    """DeLong's test on patients, each scored by its mean over frames, seeds and rounds: of the AUC of the seeds' joint score.

    Undefined for more than two classes, and where a group without patient ids holds two labels: its rows are not independent.
    """
    probabilities = [one.scores.probabilities for one in (scenario, real)]
    if probabilities[0].shape[-1] != 2 or len(np.unique(real.scores.patients)) < len(real.scores.patients):
        return None, None
    scores, reference = (of_class.mean(axis=(0, 1)) for of_class in (part[..., 1] for part in probabilities))
    return delong(real.scores.labels == 1, scores, reference)


def _over_folds(scenario: Judged, real: Judged) -> Test:
    """The corrected resampled test on patient-level AUCs of folds, averaged over seeds; only for repeated re-splits.

    Disjoint subsets are none: their training sets do not overlap, which is what the test corrects for, and they share their
    test images, which it knows nothing of.
    """
    differences = (fold_aucs(scenario.scores) - fold_aucs(real.scores)).mean(axis=0)
    folds_a_round = len(differences) // len(real.scores.folds)
    return nadeau_bengio(differences, 1 / (folds_a_round - 1))
