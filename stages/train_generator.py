"""Train the generator of a kind on one fold's training images."""

import argparse
from pathlib import Path

from synthtrace.stage import stage
from synthtrace.tables import read_folds, read_manifest, with_role


def main() -> None:
    """Train and write the checkpoint with its card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--fold", type=int, required=True)
    args = parser.parse_args()
    job = f"train_generator@{args.kind}-{args.fold}"
    with stage(job) as run:
        from synthtrace import compute
        from synthtrace.generators.batches import training_images
        from synthtrace.generators.protocol import Job
        from synthtrace.generators.train_generator import train_generator
        from synthtrace.tracking import track

        crops, folds = Path("data/crops"), Path("data/folds/folds.csv")
        autoencoders, pretrained = Path(f"data/autoencoders/fold{args.fold}"), Path(f"data/denoisers/{args.kind}")
        params = run.params
        device = compute.set_up(run)
        rows = with_role(read_manifest(crops), read_folds(folds), args.fold, "train")
        run.say(
            f"{len(rows)} images of {rows['patient_id'].nunique()} patients "
            f"({device}, {compute.precision(params.compute.precision, device)})"
        )
        source = training_images(crops, rows, params.preprocess.channels, maps=True)
        inputs = [*(crops / name for name in ("manifest.csv", "native", "maps")), folds, autoencoders, pretrained]
        config = params.generator.model_dump() | params.family(args.kind).model_dump()
        config |= {"kind": args.kind, "fold": args.fold, "seed": params.seed}
        with (
            track(run, job, inputs, config) as tracker,
            run.output(f"data/generators/{args.kind}/fold{args.fold}") as folder,
        ):
            training = Job(args.kind, args.fold, source, params, autoencoders, pretrained, tracker, device)
            train_generator(training, rows, folder)


if __name__ == "__main__":
    main()
