"""Gate: folds keep patients and pixels apart."""

from pathlib import Path

from synthtrace.stage import stage
from synthtrace.tables import read_folds, read_manifest

with stage("check_folds") as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.folds import expected, measure

    split, patient_ids = run.params.split, run.params.dataset.patient_ids
    manifest = read_manifest(Path("data/crops"))
    run.say(f"{len(split.folds)} folds of {len(manifest)} images")
    tables = measure(manifest, read_folds(Path("data/folds/folds.csv")), split, patient_ids)
    judged = ["data/crops/manifest.csv", "data/folds/folds.csv"]
    pass_or_stop(run, "folds", judged, tables, expected(run.params))
