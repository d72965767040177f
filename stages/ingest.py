"""One manifest for every source of scans: data/scans."""

from synthtrace.scans import read_source
from synthtrace.scans.manifest import build_manifest, check_images, write_scans
from synthtrace.scans.withdrawn import read_withdrawn, without_withdrawn
from synthtrace.stage import progress, stage

with stage("ingest") as run:
    dataset = run.params.dataset
    source = read_source(dataset)
    manifest = build_manifest(source, dataset)
    run.say(f"{len(manifest)} images of {manifest['patient_id'].nunique()} patients from {dataset.path} ({dataset.kind})")
    if dataset.patient_ids == "none":
        run.say("the data set has no patient ids: a patient here is a group of near copies, or one image")
    manifest = check_images(source, manifest, progress)
    remaining = without_withdrawn(manifest, read_withdrawn())
    if len(remaining) < len(manifest):
        run.say(f"{len(manifest) - len(remaining)} images were withdrawn from the study and are left out")
    with run.output("data/scans") as temporary:
        write_scans(source, remaining, temporary, progress)
