"""Gate: predictions of every scenario."""

from pathlib import Path

from synthtrace.stage import stage
from synthtrace.tables import read_folds, read_manifest, read_predictions

with stage("check_predictions") as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.predictions import expected, measure

    labels, classifier = run.params.dataset.labels, run.params.classifier
    paths = {name: f"data/predictions/{name}.parquet" for name in ("real", "traditional", *run.params.generator.kinds)}
    run.say(f"the predictions of {', '.join(paths)}")
    predictions = {name: read_predictions(Path(path)) for name, path in paths.items()}
    manifest, folds = read_manifest(Path("data/crops")), read_folds(Path("data/folds/folds.csv"))
    tables = measure(predictions, manifest, folds, labels, classifier.backbones)
    judged = ["data/crops/manifest.csv", "data/folds/folds.csv", *paths.values()]
    pass_or_stop(run, "predictions", judged, tables, expected(run.params))
