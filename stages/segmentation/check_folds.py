"""Gate: the split keeps patients and pixels apart, and tests what it is to test."""

from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage
from synthtrace.tables import read_folds, read_manifest

with stage("check_folds", SegmentationParams) as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.holdout_folds import measure, suites

    split, patient_ids = run.params.split, run.params.dataset.patient_ids
    manifest = read_manifest(Path("data/crops"))
    run.say(f"the split of {len(manifest)} pairs")
    tables = measure(manifest, read_folds(Path("data/folds/folds.csv")), split, patient_ids)
    pass_or_stop(run, "folds", ["data/crops/manifest.csv", "data/folds/folds.csv"], tables, suites(split, patient_ids))
