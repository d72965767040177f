"""Gate: which pairs of a kind are kept."""

import argparse
from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage
from synthtrace.tables import read_folds, read_manifest

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--kind", required=True)
kind = parser.parse_args().kind
with stage(f"check_selection@{kind}", SegmentationParams) as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.selection import expected, measure

    stands = ("pools", "scored", "selected")
    folds, manifest = read_folds(Path("data/folds/folds.csv")), read_manifest(Path("data/crops"))
    run.say(f"the selection of {kind}")
    tables = measure(*(Path(f"data/{stand}") for stand in stands), manifest, folds, kind, run.params.dataset.labels)
    places = [f"data/{stand}/{kind}/fold{fold}" for stand in stands for fold in sorted(folds["fold"].unique())]
    judged = ["data/crops/manifest.csv", "data/folds/folds.csv", *(place for place in places if Path(place).is_dir())]
    pass_or_stop(run, f"selection-{kind}", judged, tables, expected(run.params))
