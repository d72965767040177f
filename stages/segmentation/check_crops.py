"""Gate: squashed pairs against their manifest and the scans."""

from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage
from synthtrace.tables import read_manifest

with stage("check_crops", SegmentationParams) as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.pairs import crop_suites, measure_crops

    preprocess = run.params.preprocess
    scans = read_manifest(Path("data/scans"))
    run.say(f"the squashed pairs of {len(scans)} scans")
    tables = measure_crops(Path("data/crops"), scans)
    expected = crop_suites(preprocess.image_size, preprocess.channels, run.params.masks)
    pass_or_stop(run, "crops", ["data/crops", "data/scans/manifest.csv"], tables, expected)
