"""The tables of the curve: AUC against mixing rate is computed from them (paper 0, Figure 5 and S3 to S7)."""

from pathlib import Path

from synthtrace.classify.grid import Collected


def write_curve(folder: Path, scenario: str, done: Collected, classes: int) -> None:
    """Write what a scenario's runs predicted and were trained on; tables without rows when no run lists the scenario.

    predictions.parquet: the columns of tables.CURVE, `p0`, `p1`, ...; training.parquet: `run`, `selection`, `mode`, `backbone`,
    `mixing_rate`, `seed`, `fold`, `image_id`, a row a training and image that it drew; unfilled.csv (tables.UNFILLED): points
    that were not trained.
    """
    folder.mkdir()
    predictions = done.predicted(classes)
    predictions.insert(1, "scenario", scenario)
    predictions.to_parquet(folder / "predictions.parquet", index=False)
    done.drawn().to_parquet(folder / "training.parquet", index=False)
    done.unfilled.to_csv(folder / "unfilled.csv", index=False, lineterminator="\n")
