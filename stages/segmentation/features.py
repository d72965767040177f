"""In-domain feature extractor, trained on the training images and their labels: data/features/fold0."""

from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage

CROPS, FOLD = Path("data/crops"), 0

with stage("features", SegmentationParams) as run:
    from synthtrace import compute
    from synthtrace.features import extractor
    from synthtrace.images import load_stack
    from synthtrace.seeds import Seeds
    from synthtrace.tables import read_folds, read_manifest, with_role

    params = run.params
    device = compute.set_up(run)
    manifest = with_role(read_manifest(CROPS), read_folds(Path("data/folds/folds.csv")), FOLD, "train")
    run.say(f"{params.features.steps} steps of {params.features.backbone} on {len(manifest)} images ({device})")
    images = load_stack([CROPS / path for path in manifest["path"]], params.preprocess.channels)
    with run.output(f"data/features/fold{FOLD}") as temporary:
        losses = extractor.train(
            temporary,
            images,
            manifest,
            fold=FOLD,
            classes=len(params.dataset.labels),
            features=params.features,
            seeds=Seeds(params.seed),
            device=device,
        )
    run.say(f"loss {losses[0]:.3f} at the first step, {losses[-1]:.3f} at the last")
