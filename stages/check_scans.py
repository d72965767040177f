"""Gate: scans and their manifest."""

from pathlib import Path

from synthtrace.stage import stage

with stage("check_scans") as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.scans import expected, measure

    dataset = run.params.dataset
    run.say(f"the scans of data/scans against {len(dataset.labels)} declared labels")
    tables = measure(Path("data/scans"), dataset.labels, dataset.patient_ids)
    pass_or_stop(run, "scans", ["data/scans"], tables, expected(run.params))
