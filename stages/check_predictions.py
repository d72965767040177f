"""Gate: predictions of every scenario, of the comparison and of the curve."""

from pathlib import Path

from synthtrace.params import REAL, TRADITIONAL
from synthtrace.stage import stage
from synthtrace.tables import read_curve, read_folds, read_manifest, read_predictions, read_unfilled

with stage("check_predictions") as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.predictions import expected, measure

    params = run.params
    scenarios = [REAL, TRADITIONAL, *params.generator.kinds]
    run.say(f"the predictions of {', '.join(scenarios)}, and those of the curve")
    predictions = {name: read_predictions(Path(f"data/predictions/{name}.parquet")) for name in scenarios}
    curve = {name: read_curve(Path(f"data/curve/{name}")) for name in scenarios}
    unfilled = {name: read_unfilled(Path(f"data/curve/{name}")) for name in scenarios}
    manifest, folds = read_manifest(Path("data/crops")), read_folds(Path("data/folds/folds.csv"))
    tables = measure(predictions, curve, unfilled, manifest, folds, params)
    judged = ["data/crops/manifest.csv", "data/folds/folds.csv"]
    judged += [f"data/predictions/{name}.parquet" for name in scenarios] + [f"data/curve/{name}" for name in scenarios]
    pass_or_stop(run, "predictions", judged, tables, expected(params))
