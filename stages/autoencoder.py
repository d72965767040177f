"""The latent space of a fold: the pre-trained autoencoder as it is, its decoder fine-tuned, or one trained from scratch."""

import argparse
import shutil
from pathlib import Path

from synthtrace.stage import stage
from synthtrace.tables import read_folds, read_manifest, with_role


def main() -> None:
    """Copy or train, as `autoencoder.mode` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fold", type=int, required=True)
    fold = parser.parse_args().fold
    job = f"autoencoder@{fold}"
    pretrained = Path("data/autoencoders/pretrained")
    with stage(job) as run, run.output(f"data/autoencoders/fold{fold}") as folder:
        params = run.params
        if params.autoencoder.mode == "pretrained":
            run.say("the pre-trained autoencoder as it is")
            shutil.copytree(pretrained, folder)
            return

        from synthtrace import compute
        from synthtrace.generators.batches import training_images
        from synthtrace.generators.train_autoencoder import train_autoencoder
        from synthtrace.tracking import track

        crops = Path("data/crops")
        folds = Path("data/folds/folds.csv")
        device = compute.set_up(run)
        rows = with_role(read_manifest(crops), read_folds(folds), fold, "train")
        run.say(f"{params.autoencoder.mode}: {params.autoencoder.steps} steps on {len(rows)} images ({device})")
        source = training_images(crops, rows, params.preprocess.channels, maps=False)
        start_from = pretrained if params.autoencoder.mode == "decoder" else None
        config = params.autoencoder.model_dump() | {"fold": fold, "seed": params.seed}
        with track(run, job, [crops / "manifest.csv", crops / "native", folds, pretrained], config) as tracker:
            train_autoencoder(source, rows, params, ("autoencoder", fold), folder, tracker, device, start_from)


if __name__ == "__main__":
    main()
