"""Gate: pools, their ledgers and selections."""

from pathlib import Path

from synthtrace.stage import stage
from synthtrace.tables import read_folds, read_manifest

with stage("check_pools") as run:
    from synthtrace.quality.gate import pass_or_stop
    from synthtrace.quality.suites.pools import measure, suites

    sizes, kinds, labels = run.params.preprocess, run.params.generator.kinds, run.params.dataset.labels
    folds = read_folds(Path("data/folds/folds.csv"))
    numbers = sorted(folds["fold"].unique())
    run.say(f"the pools of {', '.join(kinds)} in {len(numbers)} folds")
    tables = measure(Path("data/pools"), Path("data/selected"), read_manifest(Path("data/crops")), folds, kinds, labels)
    # the folders of dropped folds and kinds may still lie there: they are not judged, and not in the digest
    places = [f"data/{stand}/{kind}/fold{fold}" for stand in ("pools", "selected") for kind in kinds for fold in numbers]
    judged = ["data/crops/manifest.csv", "data/folds/folds.csv", *(place for place in places if Path(place).is_dir())]
    pass_or_stop(run, "pools", judged, tables, suites(sizes.image_size, sizes.channels))
