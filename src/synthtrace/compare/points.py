"""What the curve's tables hold: predictions of each point that the parameters ask for, and points that could not be filled."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from synthtrace.compare.checks import check_whole, images_of
from synthtrace.errors import InputError
from synthtrace.params import Params
from synthtrace.tables import curve_settings, read_curve, read_unfilled

SETTING = ["run", "scenario", "selection", "mode", "mixing_rate"]


class Point(NamedTuple):
    """A point of a run's curve."""

    scenario: str
    selection: str
    mode: str
    mixing_rate: float


@dataclass(frozen=True)
class Points:
    """A run's points, in the order of the parameters, the first one real at rate 0.

    `filled` holds the predictions of a point, with a column `round`; `unfilled` of a point whose selection kept too
    few in some fold what the fold in which fewest are kept lacks: `fold`, and of the class that it can spare least of
    `label_name`, `kept`, `candidates`, `needed`.
    """

    filled: dict[Point, pd.DataFrame]
    unfilled: dict[Point, dict[str, Any]]
    order: list[Point]


def read_points(folder: Path, params: Params) -> dict[str, Points]:
    """The points of each run, by its name: of `<folder>/<scenario>/predictions.parquet` and `unfilled.csv`.

    Raises:
        InputError: a table is missing, or does not hold what curve.runs and curve.rates ask for: every run that draws from the
            scenario, with its selections and modes, at its rates, with all seeds, every image of `real` once a round; or it
            holds more than that. A point is listed as unfilled that nobody asked for.
    """
    wanted = curve_settings(params.curve, params.classifier)
    images: pd.DataFrame | None = None
    filled: dict[Any, pd.DataFrame] = {}
    unfilled: dict[Any, dict[str, Any]] = {}
    for scenario in wanted["scenario"].drop_duplicates():
        settings = wanted[wanted["scenario"] == scenario]
        lacking = _lacking(Path(folder) / scenario, settings, params.dataset.labels)
        unfilled |= lacking
        settings = settings[[key not in lacking for key in _keys(settings)]]
        table = read_curve(Path(folder) / scenario)
        if settings.empty and table.empty:
            continue
        table["round"] = table["fold"] // params.split.folds_a_round
        images = images_of(table) if images is None else images
        settings = settings.assign(seed=[range(count) for count in settings["seeds"]]).explode("seed").drop(columns="seeds")
        path = Path(folder) / scenario / "predictions.parquet"
        check_whole(table, settings.astype({"seed": int}), images, params.split.rounds, path, "curve.runs")
        filled |= dict(iter(table.groupby(SETTING, sort=False)))
    of_run: dict[str, Points] = {}
    for run in params.curve.runs:
        keys = [key for key in _keys(wanted) if key[0] == run.name]
        of_run[run.name] = Points(
            {Point(*key[1:]): filled[key] for key in keys if key in filled},
            {Point(*key[1:]): unfilled[key] for key in keys if key in unfilled},
            [Point(*key[1:]) for key in keys],
        )
    return of_run


def _keys(settings: pd.DataFrame) -> list[tuple]:
    return list(settings[SETTING].itertuples(index=False, name=None))


def _lacking(folder: Path, settings: pd.DataFrame, labels: list[str]) -> dict[tuple, dict[str, Any]]:
    """Of each unfilled point of a scenario, the fold in which fewest candidates are kept."""
    table = read_unfilled(folder).sort_values(["kept", "fold"], kind="stable")
    known = set(_keys(settings))
    lacking: dict[tuple, dict[str, Any]] = {}
    for key, (_, row) in zip(_keys(table.astype({"mixing_rate": float})), table.iterrows(), strict=True):
        if key not in known:
            named = ", ".join(f"{name} {value}" for name, value in zip(SETTING, key, strict=True))
            raise InputError(f"{folder / 'unfilled.csv'}: lists {named}, which curve.runs lacks; expected points of curve.runs")
        if key not in lacking:
            numbers = {name: int(row[name]) for name in ("fold", "kept", "candidates", "needed")}
            lacking[key] = numbers | {"label_name": labels[int(row["label"])]}
    return lacking
