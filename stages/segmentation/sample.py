"""Draw the pool of a kind, with its ledger: data/pools/<kind>/fold0/."""

import argparse
from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import progress, stage

FOLD = 0

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    kind = parser.parse_args().kind
    with stage(f"sample@{kind}", SegmentationParams) as run:
        from synthtrace import compute
        from synthtrace.pair_tables import training_pairs, write_pair_ledger
        from synthtrace.pools.pairs import draw_pool, drawer, plan_pool

        device = compute.set_up(run)
        maker = drawer(Path(), kind, FOLD, run.params, device)
        rows = plan_pool(kind, FOLD, maker.trained, training_pairs(Path(), FOLD, run.params.preprocess.channels), run.params)
        run.say(f"{len(rows)} pairs of {rows['condition_image_id'].nunique()} real ones ({device})")
        with run.output(f"data/pools/{kind}/fold{FOLD}") as folder:
            numbers = progress(sorted(rows["batch"].unique()), "sample", unit="batch")
            write_pair_ledger(folder, draw_pool(folder, rows, maker, numbers).assign(checkpoint=maker.trained.digest))
