"""Gate: the pool of a kind, its ledger, masks and scores."""

import argparse
from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage
from synthtrace.tables import read_folds, read_manifest

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--kind", required=True)
kind = parser.parse_args().kind
with stage(f"check_pools@{kind}", SegmentationParams) as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.pairs import measure_pools, pool_suites

    params, stands = run.params, ("pools", "scored", "selected")
    folds, manifest = read_folds(Path("data/folds/folds.csv")), read_manifest(Path("data/crops"))
    run.say(f"the pool of {kind}")
    tables = measure_pools(*(Path(f"data/{stand}") for stand in stands), manifest, folds, [kind], params.dataset.labels)
    places = [f"data/{stand}/{kind}/fold{fold}" for stand in stands for fold in sorted(folds["fold"].unique())]
    judged = ["data/crops/manifest.csv", "data/folds/folds.csv", *(place for place in places if Path(place).is_dir())]
    suites = pool_suites(params.preprocess.image_size, params.preprocess.channels, params.masks)
    pass_or_stop(run, f"pools-{kind}", judged, tables, suites)
