"""In-domain feature extractor of a fold, trained on its training images: data/features/fold<k>/."""

import argparse
from pathlib import Path

from synthtrace.stage import stage

CROPS = Path("data/crops")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fold", type=int, required=True)
    arguments = parser.parse_args()
    with stage(f"features@{arguments.fold}") as run:
        from synthtrace import compute
        from synthtrace.features import extractor
        from synthtrace.images import load_stack
        from synthtrace.seeds import Seeds
        from synthtrace.tables import read_folds, read_manifest, with_role

        params = run.params
        device = compute.set_up(run)
        manifest = with_role(read_manifest(CROPS), read_folds(Path("data/folds/folds.csv")), arguments.fold, "train")
        patients = manifest["patient_id"].nunique()
        steps = f"{params.features.steps} steps of {params.features.backbone}"
        run.say(f"{steps} on {len(manifest)} images of {patients} patients ({device})")
        images = load_stack([CROPS / path for path in manifest["path"]], params.preprocess.channels)
        with run.output(f"data/features/fold{arguments.fold}") as temporary:
            losses = extractor.train(
                temporary,
                images,
                manifest,
                fold=arguments.fold,
                classes=len(params.dataset.labels),
                features=params.features,
                seeds=Seeds(params.seed),
                device=device,
            )
        run.say(f"loss {losses[0]:.3f} at the first step, {losses[-1]:.3f} at the last")
