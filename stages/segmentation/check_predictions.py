"""Gate: scores of every recipe and seed on every test pair."""

from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.segment.recipes import REAL
from synthtrace.segment.tables import read_scores, read_skipped
from synthtrace.stage import stage
from synthtrace.tables import read_folds, read_manifest

with stage("check_predictions", SegmentationParams) as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.segmentations import measure, suites

    params = run.params
    items = [REAL, *params.generators.pools]
    run.say(f"scores of {', '.join(items)}")
    scores = {item: read_scores(Path(f"data/predictions/{item}.parquet")) for item in items}
    skipped = {item: read_skipped(Path(f"data/segmenters/{item}")) for item in items}
    tables = measure(scores, skipped, read_manifest(Path("data/crops")), read_folds(Path("data/folds/folds.csv")), params)
    judged = ["data/crops/manifest.csv", "data/folds/folds.csv"]
    judged += [f"data/predictions/{item}.parquet" for item in items]
    judged += [f"data/segmenters/{item}" for item in items]
    pass_or_stop(run, "predictions", judged, tables, suites())
