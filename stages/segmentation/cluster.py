"""Clusters of training pairs by in-domain features of image and mask: data/clusters/fold0."""

import json
from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage

CROPS, FOLD = Path("data/crops"), 0

with stage("cluster", SegmentationParams) as run:
    from synthtrace import compute
    from synthtrace.features import cache, extractor
    from synthtrace.features.clusters import cluster, see
    from synthtrace.images import load_stack
    from synthtrace.seeds import Seeds
    from synthtrace.tables import read_folds, read_manifest, with_role

    params = run.params
    device = compute.set_up(run)
    manifest = with_role(read_manifest(CROPS), read_folds(Path("data/folds/folds.csv")), FOLD, "train")
    images = load_stack([CROPS / path for path in manifest["path"]], params.preprocess.channels)
    masks = load_stack([CROPS / path for path in manifest["mask_path"]], 1)
    trained = extractor.load(Path(f"data/features/fold{FOLD}"), device)
    features = see(images, masks, lambda stack: cache.embeddings(trained, stack))
    found = cluster(features, manifest["image_id"], params.clusters, Seeds(params.seed), (FOLD,))
    report = found.report()
    for warning in report["warnings"]:
        run.say(warning)
    run.say(f"{len(manifest)} pairs in {report['clusters']} clusters of {', '.join(map(str, report['sizes']))}")
    with run.output(f"data/clusters/fold{FOLD}") as temporary:
        temporary.mkdir()
        found.table.to_csv(temporary / "clusters.csv", index=False, lineterminator="\n")
        (temporary / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
