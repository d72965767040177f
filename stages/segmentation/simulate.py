"""A seeded phantom of lesions, images and masks of several centres: data/raw/lesions."""

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.scans.lesions import simulate_lesions
from synthtrace.seeds import Seeds
from synthtrace.stage import stage

PHANTOM = "data/raw/lesions"

with stage("simulate", SegmentationParams) as run, run.output(PHANTOM) as folder:
    simulate, path = run.params.simulate, run.params.dataset.path
    if path == PHANTOM:
        run.say(f"phantom images of {simulate.centres} centres, {simulate.images} each")
        simulate_lesions(folder, simulate, Seeds(run.params.seed))
    else:
        run.say(f"nothing to simulate: the study is on {path}")
        folder.mkdir()
