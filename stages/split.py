"""Folds of whole patients, class by class: cross-validation, or disjoint training subsets and one test set."""

from pathlib import Path

from synthtrace.folds import split_folds
from synthtrace.seeds import Seeds
from synthtrace.stage import stage
from synthtrace.tables import read_manifest, write_folds

with stage("split") as run:
    split, patient_ids = run.params.split, run.params.dataset.patient_ids
    manifest = read_manifest(Path("data/crops"))
    unit = "patients" if patient_ids == "manifest" else "groups of images (the data set has no patient ids)"
    if split.protocol == "subsets":
        test = f"{split.column} {split.test}" if split.column else f"a share of {split.test_share}"
        how = f"disjoint training subsets of {split.subset_share}, tested on {test}"
    else:
        how = "folds" if split.repeats == 1 else f"folds, dealt {split.repeats} times"
    run.say(f"{len(manifest)} images into {len(split.folds)} {how}; {unit} stay whole, classes keep their share")
    table = split_folds(manifest, split, Seeds(run.params.seed), patient_ids)
    with run.output("data/folds/folds.csv") as temporary:
        write_folds(temporary, table)
