"""The latent spaces of a fold: pre-trained autoencoders as they are, their decoders fine-tuned, or trained from scratch."""

import argparse
import shutil
from pathlib import Path

from synthtrace.generators.spaces import spaces
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
            run.say("the pre-trained autoencoders as they are")
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
        source = training_images(crops, rows, params.preprocess.channels, maps=False)
        inputs = [crops / "manifest.csv", crops / "native", folds, pretrained]
        for space in spaces(params.autoencoder):
            settings = params.autoencoder.of_space(space)
            steps = settings.tuning.steps if settings.mode == "decoder" else settings.steps
            run.say(
                f"{space}, {settings.mode}: {steps} steps on {len(rows)} images "
                f"({device}, {compute.precision(params.compute.precision, device)})"
            )
            start_from = pretrained / space if settings.mode == "decoder" else None
            config = settings.model_dump() | {"space": space, "fold": fold, "seed": params.seed}
            with track(run, f"{job} {space}", inputs, config) as tracker:
                train_autoencoder(source, rows, params, space, fold, folder / space, tracker, device, start_from)


if __name__ == "__main__":
    main()
