"""Gate: crops against their manifest and the scans."""

from pathlib import Path

from synthtrace.stage import stage
from synthtrace.tables import read_manifest

with stage("check_crops") as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.crops import expected, measure

    scans = read_manifest(Path("data/scans"))
    run.say(f"the crops of {len(scans)} scans")
    tables = measure(Path("data/crops"), scans)
    pass_or_stop(run, "crops", ["data/crops", "data/scans/manifest.csv"], tables, expected(run.params))
