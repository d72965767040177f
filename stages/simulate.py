"""A seeded B-mode phantom: data/raw/phantom (the study) and data/raw/phantom_unlabelled (other patients)."""

from synthtrace.scans.phantom import STUDY, UNLABELLED, write_study, write_table, write_unlabelled
from synthtrace.seeds import Seeds
from synthtrace.stage import progress, stage

with stage("simulate") as run:
    seeds, simulate, dataset = Seeds(run.params.seed), run.params.simulate, run.params.dataset
    with run.output("data/raw/phantom") as study, run.output("data/raw/phantom_unlabelled") as unlabelled:
        if dataset.kind == "phantom":
            run.say(
                f"phantom frames of {simulate.patients} patients, {simulate.frames} each, and of "
                f"{simulate.unlabelled_patients} unlabelled ones, {simulate.unlabelled_frames} each"
            )
            write_study(study, seeds, simulate, dataset.labels, progress)
            write_unlabelled(unlabelled, seeds, simulate, progress)
        else:
            run.say(f"nothing to simulate: the study is on {dataset.kind!r} scans")
            write_table(study, [], STUDY)
            write_table(unlabelled, [], UNLABELLED)
