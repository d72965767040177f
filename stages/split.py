"""Patient-level folds, stratified by label."""

from pathlib import Path

from synthtrace.folds import kfold
from synthtrace.seeds import Seeds
from synthtrace.stage import stage
from synthtrace.tables import read_manifest, write_folds

with stage("split") as run:
    params = run.params
    manifest = read_manifest(Path("data/crops"))
    folds, repeats = len(params.split.folds), params.split.repeats
    unit = "patients" if params.dataset.patient_ids == "manifest" else "groups of images (the data set has no patient ids)"
    dealt = "" if repeats == 1 else f", dealt {repeats} times"
    run.say(f"{len(manifest)} images into {folds} folds of whole {unit}, stratified by label{dealt}")
    table = kfold(manifest, folds, Seeds(params.seed), params.dataset.patient_ids, repeats)
    with run.output("data/folds/folds.csv") as temporary:
        write_folds(temporary, table)
