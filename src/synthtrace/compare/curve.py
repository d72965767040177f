"""AUC against mixing rate (paper 0, Figure 5 and Supplementary Figures 3 to 7; paper 4, Table 2): metrics/curve.json, plots."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.compare.levels import LEVELS, Judged, judge, mean_and_sd, scores_on_images, spread, versus
from synthtrace.compare.points import Point, Points, read_points
from synthtrace.params import REAL, CurveRun, Params
from synthtrace.seeds import Seeds
from synthtrace.statistics.auc import fold_aucs, mean_roc
from synthtrace.statistics.bootstrap import resample_patients
from synthtrace.statistics.scores import scores_of

FPR = np.arange(51) / 50

JudgedPoints = dict[Point, dict[str, Judged]]


def curve_from_predictions(folder: Path, params: Params) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """The curve that a study's parameters ask for, of `<folder>/<scenario>/predictions.parquet` and `unfilled.csv`.

    Resamples are those of the summary's comparison: the same patients in every run, at every rate. Holm's correction is over
    the points of a run that have predictions.

    Returns:
        What metrics/curve.json holds, the AUC of each seed (plots/curve.csv), and mean ROC curves by image and by patient
        (plots/curve_roc.csv).

    Raises:
        InputError: as `points.read_points`.
    """
    points = read_points(folder, params)
    folds = params.split.folds_a_round
    first = next(iter(points[params.curve.runs[0].name].filled.values()))
    reference = scores_of(first, folds)
    counts = resample_patients(reference, params.compare.bootstrap, Seeds(params.seed).stream("compare", "bootstrap"))
    runs: list[dict[str, Any]] = []
    aucs: list[pd.DataFrame] = []
    rocs: list[pd.DataFrame] = []
    for run in params.curve.runs:
        of_run = points[run.name]
        judged = {point: judge(scores_of(table, folds), counts) for point, table in of_run.filled.items()}
        runs.append(_described(run) | {"points": _points(of_run, judged)})
        aucs += _auc_tables(run, judged)
        rocs += _roc_tables(run, judged)
    curve = {
        "protocol": params.split.protocol,
        "rounds": params.split.rounds,
        "patients": counts.shape[1],
        "images": len(reference.labels),
        "runs": runs,
    }
    return curve, pd.concat(aucs, ignore_index=True), pd.concat(rocs, ignore_index=True)


def _described(run: CurveRun) -> dict[str, Any]:
    return {
        "name": run.name,
        "backbone": run.backbone,
        "freezing": run.freezing,
        "balanced": run.balanced,
        "seeds": run.seeds,
        "selections": run.selections,
        "modes": run.modes,
    }


def _points(of_run: Points, judged: JudgedPoints) -> list[dict[str, Any]]:
    """Each point of a run, the first one real at rate 0."""
    entries: dict[Point, dict[str, Any]] = {}
    for point in of_run.order:
        entries[point] = point._asdict()
        if point in judged:
            levels = judged[point]
            entries[point] |= {level: spread(levels[level]) for level in LEVELS}
            entries[point] |= {"auc_fold": _fold_averaged(levels["auc_image"]), "scores": scores_on_images(levels)}
        else:
            entries[point]["unfilled"] = of_run.unfilled[point]
    (real,) = (point for point in judged if point.scenario == REAL)
    others = [point for point in judged if point != real]
    for level, name in LEVELS.items():
        differences = versus([judged[point][level] for point in others], judged[real][level])
        for point, difference in zip(others, differences, strict=True):
            entries[point][name] = difference
    return list(entries.values())


def _fold_averaged(judged: Judged) -> dict[str, float | None] | None:
    """Mean over folds, then over seeds; null where the test part of a fold lacks a class."""
    aucs = fold_aucs(judged.scores).mean(axis=1)
    return None if np.isnan(aucs).any() else mean_and_sd(aucs)


def _auc_tables(run: CurveRun, judged: JudgedPoints) -> Iterator[pd.DataFrame]:
    for point, levels in judged.items():
        yield pd.DataFrame(
            {"run": run.name, **point._asdict(), "seed": range(run.seeds)}
            | {level: levels[level].aucs for level in LEVELS}
            | {"auc_fold": fold_aucs(levels["auc_image"].scores).mean(axis=1)}
        )


def _roc_tables(run: CurveRun, judged: JudgedPoints) -> Iterator[pd.DataFrame]:
    for point, levels in judged.items():
        yield pd.DataFrame(
            {"run": run.name, **point._asdict(), "fpr": FPR}
            | {"tpr": mean_roc(levels["auc_image"].scores, FPR), "tpr_patient": mean_roc(levels["auc_patient"].scores, FPR)}
        )
