"""Every image and its mask squashed to a square: data/crops."""

from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.preprocess.pairs import write_pairs
from synthtrace.stage import progress, stage
from synthtrace.tables import read_manifest

SCANS = Path("data/scans")

with stage("preprocess", SegmentationParams) as run:
    preprocess = run.params.preprocess
    manifest = read_manifest(SCANS)
    run.say(f"{len(manifest)} pairs to squares of side {preprocess.image_size}")
    with run.output("data/crops") as temporary:
        write_pairs(SCANS, manifest, temporary, preprocess.image_size, preprocess.channels, progress)
