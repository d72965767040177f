"""AUC against mixing rate (paper 0, Figure 5 and Supplementary Figures 3 to 7): metrics/curve.json and its plots."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.compare.checks import check_whole, images_of
from synthtrace.compare.levels import LEVELS, Judged, judge, mean_and_sd, spread, versus
from synthtrace.params import REAL, CurveRun, Params
from synthtrace.seeds import Seeds
from synthtrace.statistics.auc import fold_aucs, mean_roc
from synthtrace.statistics.bootstrap import resample_patients
from synthtrace.statistics.scores import scores_of
from synthtrace.tables import curve_settings, read_curve

FPR = np.arange(51) / 50
SETTING = ["run", "scenario", "mixing_rate"]

Point = tuple[str, float]


def curve_from_predictions(folder: Path, params: Params) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """The curve that a study's parameters ask for, of `<folder>/<scenario>/predictions.parquet`.

    Resamples are those of the summary's comparison: the same patients in every run, at every rate. Holm's correction is over
    the points of a run.

    Returns:
        What metrics/curve.json holds, the AUC of each seed (plots/curve.csv), and mean ROC curves by image and by patient
        (plots/curve_roc.csv).

    Raises:
        InputError: as `read_points`.
    """
    tables = read_points(folder, params)
    folds = params.split.folds_a_round
    reference = scores_of(tables[params.curve.runs[0].name, REAL, 0.0], folds)
    counts = resample_patients(reference, params.compare.bootstrap, Seeds(params.seed).stream("compare", "bootstrap"))
    runs: list[dict[str, Any]] = []
    aucs: list[pd.DataFrame] = []
    rocs: list[pd.DataFrame] = []
    for run in params.curve.runs:
        judged = {
            (scenario, rate): judge(scores_of(table, folds), counts)
            for (name, scenario, rate), table in tables.items()
            if name == run.name
        }
        runs.append(_described(run) | {"points": _points(judged)})
        aucs += _auc_tables(run, judged)
        rocs += _roc_tables(run, judged)
    curve = {"patients": counts.shape[1], "images": len(reference.labels), "runs": runs}
    return curve, pd.concat(aucs, ignore_index=True), pd.concat(rocs, ignore_index=True)


def read_points(folder: Path, params: Params) -> dict[tuple[str, str, float], pd.DataFrame]:
    """Predictions of each run, scenario and mixing rate, in the order of the parameters.

    Raises:
        InputError: a table is missing, or does not hold what curve.runs and curve.rates ask for: every run that draws from the
            scenario, at its rates, with all seeds, every image of `real` once a repeat; or it holds more than that.
    """
    wanted = curve_settings(params.curve)
    images: pd.DataFrame | None = None
    parts: dict[Any, pd.DataFrame] = {}
    for scenario in wanted["scenario"].drop_duplicates():
        table = read_curve(Path(folder) / scenario)
        table["repeat"] = table["fold"] // params.split.folds_a_round
        images = images_of(table) if images is None else images
        settings = wanted[wanted["scenario"] == scenario]
        settings = settings.assign(seed=[range(count) for count in settings["seeds"]]).explode("seed").drop(columns="seeds")
        path = Path(folder) / scenario / "predictions.parquet"
        check_whole(table, settings.astype({"seed": int}), images, params.split.rounds, path, "curve.runs")
        parts |= dict(iter(table.groupby(SETTING, sort=False)))
    return {key: parts[key] for key in wanted[SETTING].itertuples(index=False, name=None)}


def _described(run: CurveRun) -> dict[str, Any]:
    return {
        "name": run.name,
        "backbone": run.backbone,
        "freezing": run.freezing,
        "balanced": run.balanced,
        "seeds": run.seeds,
    }


def _points(judged: dict[Point, dict[str, Judged]]) -> list[dict[str, Any]]:
    """Each point of a run, the first one real at rate 0."""
    points = [
        {"scenario": scenario, "mixing_rate": rate}
        | {level: spread(levels[level]) for level in LEVELS}
        | {"auc_fold": _fold_averaged(levels["auc_image"])}
        for (scenario, rate), levels in judged.items()
    ]
    others = [levels for (scenario, _), levels in judged.items() if scenario != REAL]
    for level, name in LEVELS.items():
        differences = versus([levels[level] for levels in others], judged[REAL, 0.0][level])
        for point, difference in zip(points[1:], differences, strict=True):
            point[name] = difference
    return points


def _fold_averaged(judged: Judged) -> dict[str, float | None] | None:
    """Mean over folds, then over seeds; null where the test part of a fold lacks a class."""
    aucs = fold_aucs(judged.scores).mean(axis=1)
    return None if np.isnan(aucs).any() else mean_and_sd(aucs)


def _auc_tables(run: CurveRun, judged: dict[Point, dict[str, Judged]]) -> Iterator[pd.DataFrame]:
    for (scenario, rate), levels in judged.items():
        yield pd.DataFrame(
            {"run": run.name, "scenario": scenario, "mixing_rate": rate, "seed": range(run.seeds)}
            | {level: levels[level].aucs for level in LEVELS}
            | {"auc_fold": fold_aucs(levels["auc_image"].scores).mean(axis=1)}
        )


def _roc_tables(run: CurveRun, judged: dict[Point, dict[str, Judged]]) -> Iterator[pd.DataFrame]:
    for (scenario, rate), levels in judged.items():
        yield pd.DataFrame(
            {"run": run.name, "scenario": scenario, "mixing_rate": rate, "fpr": FPR}
            | {"tpr": mean_roc(levels["auc_image"].scores, FPR), "tpr_patient": mean_roc(levels["auc_patient"].scores, FPR)}
        )
