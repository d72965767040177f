"""Gate: the pools of a kind, their ledgers and scores."""

import argparse
from pathlib import Path

from synthtrace.stage import stage
from synthtrace.tables import read_folds, read_manifest

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--kind", required=True)
kind = parser.parse_args().kind
with stage(f"check_pools@{kind}") as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.pools import expected, measure

    folds = read_folds(Path("data/folds/folds.csv"))
    numbers = sorted(folds["fold"].unique())
    run.say(f"the pools of {kind} in {len(numbers)} folds")
    tables = measure(
        Path("data/pools"), Path("data/scored"), read_manifest(Path("data/crops")), folds, [kind], run.params.dataset.labels
    )
    # the folders of dropped folds may still lie there: they are not judged, and not in the digest
    places = [f"data/{stand}/{kind}/fold{fold}" for stand in ("pools", "scored") for fold in numbers]
    judged = ["data/crops/manifest.csv", "data/folds/folds.csv", *(place for place in places if Path(place).is_dir())]
    pass_or_stop(run, f"pools-{kind}", judged, tables, expected(run.params))
