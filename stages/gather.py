"""Unlabelled images to pre-train on, cropped as the study's are: data/unlabelled."""

from pathlib import Path

from synthtrace.preprocess.unlabelled import unused, write_unlabelled
from synthtrace.stage import progress, stage
from synthtrace.tables import read_folds, read_manifest

CROPS = Path("data/crops")

with stage("gather") as run:
    preprocess, wanted = run.params.preprocess, run.params.pretraining
    crops = read_manifest(CROPS)
    others = unused(crops, read_folds(Path("data/folds/folds.csv"))) if wanted.unused else crops[:0]
    with run.output("data/unlabelled") as folder:
        manifest = write_unlabelled(folder, Path(wanted.path), others, CROPS, preprocess, progress)
        run.say(f"{len(manifest) - len(others)} images of {wanted.path} and {len(others)} of the study that no fold uses")
