"""Score every candidate of a pool, and find copies of training images: data/scored/<kind>/fold<k>/."""

import argparse
import json
from pathlib import Path

from synthtrace.stage import stage

CROPS = Path("data/crops")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--fold", type=int, required=True)
    arguments = parser.parse_args()
    with stage(f"score_candidates@{arguments.kind}-{arguments.fold}") as run:
        from synthtrace import compute
        from synthtrace.features import cache, extractor
        from synthtrace.images import load_stack
        from synthtrace.selection.pool import load_pool
        from synthtrace.selection.select import score_candidates
        from synthtrace.tables import read_folds, read_manifest, with_role, write_candidates

        params, kind, fold = run.params, arguments.kind, arguments.fold
        device = compute.set_up(run)
        manifest = with_role(read_manifest(CROPS), read_folds(Path("data/folds/folds.csv")), fold, "train")
        training = load_stack([CROPS / path for path in manifest["path"]], params.preprocess.channels)
        ledger, candidates = load_pool(Path(f"data/pools/{kind}/fold{fold}"), params.preprocess.channels)
        run.say(f"{len(ledger)} candidates against {len(manifest)} training images")
        trained = extractor.load(Path(f"data/features/fold{fold}"), device)
        table, report = score_candidates(
            candidates,
            ledger,
            training,
            manifest,
            lambda images: cache.embeddings(trained, images, mirrored=True),
            trained.probabilities,
            params.selection,
            device,
        )
        with run.output(f"data/scored/{kind}/fold{fold}") as temporary:
            temporary.mkdir()
            write_candidates(temporary, table)
            (temporary / "copies.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        run.say(f"{report['copies']} of {report['candidates']} are copies")
