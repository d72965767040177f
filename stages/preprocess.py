"""Region of interest, native centre crops, fixed crops and brightness maps of every scan: data/crops."""

from pathlib import Path

from synthtrace.preprocess.crops import write_crops
from synthtrace.stage import progress, stage
from synthtrace.tables import read_manifest

SCANS = Path("data/scans")

with stage("preprocess") as run:
    preprocess, map_classes = run.params.preprocess, run.params.generator.map_classes
    manifest = read_manifest(SCANS)
    size = f"{preprocess.crop_size} native pixels, resized to {preprocess.image_size}"
    run.say(f"{len(manifest)} scans to crops of {size}, and maps of {map_classes} brightness classes")
    with run.output("data/crops") as temporary:
        write_crops(SCANS, manifest, temporary, preprocess, map_classes, progress)
