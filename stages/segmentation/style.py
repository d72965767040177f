"""Style the pool of a kind, with its ledger: data/pools/<name>/fold0/."""

import argparse
from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import progress, stage

FOLD = 0

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--of", required=True, help="the kind whose pool is styled")
    arguments = parser.parse_args()
    name, of = arguments.name, arguments.of
    with stage(f"style@{name}", SegmentationParams) as run:
        from synthtrace import compute
        from synthtrace.pair_tables import write_pair_ledger
        from synthtrace.pools.pairs import draw_pool
        from synthtrace.pools.styled import plan_styled, styler
        from synthtrace.seeds import Seeds

        params = run.params
        device = compute.set_up(run)
        maker = styler(Path(), of, FOLD, params, device)
        rows = plan_styled(name, FOLD, maker.base.rows, params.style, params.sampling.styled_pairs, Seeds(params.seed))
        run.facts["networks"] = maker.networks.names
        run.say(f"{len(rows)} pairs of {rows['condition_image_id'].nunique()} real ones, by {maker.networks.names} ({device})")
        with run.output(f"data/pools/{name}/fold{FOLD}") as folder:
            numbers = progress(sorted(rows["batch"].unique()), "style", unit="batch")
            write_pair_ledger(folder, draw_pool(folder, rows, maker, numbers).assign(checkpoint=maker.trained.digest))
