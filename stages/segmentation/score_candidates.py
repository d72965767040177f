"""Judge the masks of a pool and find copies of training pairs in it: data/scored/<kind>/fold0/."""

import argparse
import json
from pathlib import Path

from synthtrace.params.segmentation import Model, SegmentationParams
from synthtrace.stage import stage

FOLD = 0

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    kind = parser.parse_args().kind
    with stage(f"score_candidates@{kind}", SegmentationParams) as run:
        from synthtrace import compute
        from synthtrace.features import cache, extractor
        from synthtrace.generators.pairs.repaint import dilated, dilation
        from synthtrace.pair_tables import load_pairs, read_pair_ledger, training_pairs
        from synthtrace.selection.pairs import Painted, score_pairs
        from synthtrace.tables import write_candidates

        params, pool = run.params, Path(f"data/pools/{kind}/fold{FOLD}")
        device = compute.set_up(run)
        training = training_pairs(Path(), FOLD, params.preprocess.channels)
        candidates = load_pairs(pool, read_pair_ledger(pool), params.preprocess.channels)
        run.say(f"{len(candidates)} candidates against {len(training)} training pairs")
        trained = extractor.load(Path(f"data/features/fold{FOLD}"), device)
        painted = None
        if Model.of(params.generators.styled.get(kind, kind)).family != "gan":
            fills = dilated(training.masks, dilation(training.masks.shape[-1], params.inpainting.dilation))
            painted = Painted(fills, candidates.rows["condition_image_id"])
        table, report = score_pairs(
            candidates,
            training,
            lambda images: cache.embeddings(trained, images, mirrored=True),
            params.selection,
            painted,
        )
        with run.output(f"data/scored/{kind}/fold{FOLD}") as temporary:
            temporary.mkdir()
            write_candidates(temporary, table)
            (temporary / "copies.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        run.say(
            f"of {report['candidates']}, {report['empty_masks']} have an empty mask, {report['unlike_masks']} one unlike real "
            f"ones, and {report['copies']} are copies"
        )
