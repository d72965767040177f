"""One test set of whole patients, or groups of images: data/folds/folds.csv."""

from pathlib import Path

from synthtrace.folds.holdout import holdout
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.seeds import Seeds
from synthtrace.stage import stage
from synthtrace.tables import read_manifest, write_folds

with stage("split", SegmentationParams) as run:
    split, patient_ids = run.params.split, run.params.dataset.patient_ids
    manifest = read_manifest(Path("data/crops"))
    table = holdout(manifest, split, Seeds(run.params.seed), patient_ids)
    unit = "patients" if patient_ids == "manifest" else "groups of images (the data set has no patient ids)"
    how = f"{split.column} {', '.join(split.test)}" if split.test else f"a share of {split.test_share}"
    run.say(f"{(table['role'] == 'test').sum()} of {len(table)} pairs test, {how}; {unit} stay whole")
    with run.output("data/folds/folds.csv") as temporary:
        write_folds(temporary, table)
