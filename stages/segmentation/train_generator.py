"""Train the generator of a kind, all of its models, on training pairs: data/generators/<kind>/fold0/."""

import argparse
from pathlib import Path

import pandas as pd

from synthtrace.params.segmentation import Model, SegmentationParams
from synthtrace.stage import stage

FOLD = 0


def main() -> None:
    """Train and write the models with their card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    kind = parser.parse_args().kind
    with stage(f"train_generator@{kind}", SegmentationParams) as run:
        from synthtrace import compute
        from synthtrace.generators.pair_generators import PairJob, clusters_of, train
        from synthtrace.pair_tables import training_pairs
        from synthtrace.seeds import Seeds
        from synthtrace.segment.pairs import small_set
        from synthtrace.tracking import track

        params, model = run.params, Model.of(kind)
        device = compute.set_up(run)
        pairs = training_pairs(Path(), FOLD, params.preprocess.channels)
        if model.size is not None:
            # of a set larger than there are pairs the mixes are skipped, and generator and pool stay empty
            fits = model.size <= len(pairs)
            pairs = pairs.of(sorted(small_set(pairs.image_ids, model.size, Seeds(params.seed))) if fits else [])
        table = Path(f"data/clusters/fold{FOLD}/clusters.csv")
        clusters = clusters_of(pd.read_csv(table, dtype={"image_id": str}), pairs.image_ids)
        run.say(f"{len(pairs)} pairs, {int(pairs.lesions.sum())} with a lesion ({device})")
        inputs = [*(Path("data/crops") / name for name in ("manifest.csv", "images", "masks")), table]
        settings = params.singan if model.family == "gan" else params.diffusion
        config = settings.model_dump() | {"kind": kind, "fold": FOLD, "seed": params.seed}
        with (
            track(run, f"train_generator@{kind}", inputs, config) as tracker,
            run.output(f"data/generators/{kind}/fold{FOLD}") as folder,
        ):
            card = train(PairJob(kind, FOLD, pairs, clusters, params, tracker, device), folder)
        run.say(f"{len(card['models'])} models, {card['steps']} steps, which drew {len(card['image_ids'])} pairs")


if __name__ == "__main__":
    main()
