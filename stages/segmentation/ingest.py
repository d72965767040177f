"""One manifest of images and their masks: data/scans."""

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.scans import read_source
from synthtrace.scans.manifest import build_manifest, check_images, write_scans
from synthtrace.scans.masks import binary_masks, check_masks
from synthtrace.scans.withdrawn import read_withdrawn, without_withdrawn
from synthtrace.stage import progress, stage

with stage("ingest", SegmentationParams) as run:
    dataset = run.params.dataset
    source = binary_masks(read_source(dataset))
    manifest = build_manifest(source, dataset)
    run.say(f"{len(manifest)} pairs of {manifest['patient_id'].nunique()} patients from {dataset.path} ({dataset.kind})")
    if dataset.patient_ids == "none":
        run.say("the data set has no patient ids: a patient here is a group of images, or one image")
    manifest = check_masks(source, check_images(source, manifest, progress), progress)
    remaining = without_withdrawn(manifest, read_withdrawn())
    if len(remaining) < len(manifest):
        run.say(f"{len(manifest) - len(remaining)} pairs were withdrawn from the study and are left out")
    with run.output("data/scans") as temporary:
        write_scans(source, remaining, temporary, progress)
