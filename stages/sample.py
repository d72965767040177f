"""Draw a pool of synthetic candidates from one generator, with its ledger."""

import argparse
from pathlib import Path

from synthtrace.cards import checkpoint_digest
from synthtrace.seeds import Seeds
from synthtrace.stage import progress, stage
from synthtrace.tables import read_folds, read_manifest, with_role, write_ledger


def main() -> None:
    """Draw the images and write the ledger."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--fold", type=int, required=True)
    args = parser.parse_args()
    with stage(f"sample@{args.kind}-{args.fold}") as run:
        from synthtrace import compute
        from synthtrace.generators.checkpoints import load_generator
        from synthtrace.pools.sampling import draw_pool, plan_pool, reference

        params = run.params
        crops = Path("data/crops")
        generator = Path(f"data/generators/{args.kind}/fold{args.fold}")
        device = compute.set_up(run)
        channels, size, own = params.preprocess.channels, params.preprocess.image_size, params.family(args.kind)
        family = load_generator(generator, Path(f"data/autoencoders/fold{args.fold}"), channels, device)
        rows = with_role(read_manifest(crops), read_folds(Path("data/folds/folds.csv")), args.fold, "train")
        training = reference(crops, rows, size, own.distortion)
        drawing, classes = own.drawing(params.sample), len(params.dataset.labels)
        plan = plan_pool(family, args.kind, args.fold, training, params.sample, drawing, classes, Seeds(params.seed))
        run.say(f"{len(plan)} images, {drawing.sampler}, steps {drawing.steps} ({device})")
        with run.output(f"data/pools/{args.kind}/fold{args.fold}") as folder:
            batches = progress(sorted(plan["batch"].unique()), "sample", unit="batch")
            ledger = draw_pool(folder, plan, family, training, device, batches)
            write_ledger(folder, ledger.assign(checkpoint=checkpoint_digest(generator)))


if __name__ == "__main__":
    main()
