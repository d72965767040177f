"""Gate: scans, their masks and their manifest."""

from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage

SCANS = Path("data/scans")

with stage("check_scans", SegmentationParams) as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites import masks, scans
    from synthtrace.quality.suites.holdout_scans import suites

    dataset = run.params.dataset
    run.say(f"the pairs of {SCANS} against {len(dataset.labels)} declared labels")
    tables = scans.measure(SCANS, dataset.labels, dataset.patient_ids) | masks.measure(SCANS)
    expected = [*suites(dataset.labels, dataset.patient_ids), *masks.suites(run.params.masks)]
    pass_or_stop(run, "scans", [str(SCANS)], tables, expected)
