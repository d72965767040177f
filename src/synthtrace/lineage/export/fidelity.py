"""How near the exported images come to held-out real ones, for the data card: figures of metrics/fidelity.json."""

from typing import Any

from synthtrace.fidelity.parts import HEAD
from synthtrace.lineage.export.pools import Pool, as_run
from synthtrace.lineage.run import read_json
from synthtrace.lineage.study import Study
from synthtrace.params import REAL

FIGURES, STAGE = "metrics/fidelity.json", "score_pools"
MEASURE = (
    "Distances of the kept images of a pool, all classes together, to the real images that its fold holds out; beside them "
    "those of the fold's real training images. fd_ and kd_: Frechet and kernel distance in the space of an extractor that was "
    "trained on the fold, to be compared within a fold alone; fid, kid and inception_score: by Inception v3; ms_ssim: "
    "similarity of pairs of one class. 95% intervals by the jackknife, which leaves out real images a patient at a time"
)


def fidelity_of(study: Study, pools: list[Pool]) -> dict[str, Any] | None:
    """The figures of the pools by name; None where none were computed of these very images.

    Returns {"measure", "extractor", "pools": {name: {"kept_images", "training_images": {metric: {"value", "ci95"}}}}}.
    """
    paths = ("data/pools", "data/selected", "data/features", FIGURES)
    if not all(as_run(study, STAGE, path) for path in paths):
        return None
    figures = read_json(study.root / FIGURES)
    of_study = [row for row in figures["pools"] if row.get("selection") in (None, study.params.selection.method)]
    found = {(row["kind"], row["fold"], row["part"]): row for row in of_study if row["label"] is None}
    return {
        "measure": MEASURE,
        "extractor": figures["extractor"]["name"],
        "pools": {
            pool.name: {
                "kept_images": _metrics(found[pool.kind, pool.fold, "kept"]),
                "training_images": _metrics(found[REAL, pool.fold, "training"]),
            }
            for pool in pools
        },
    }


def _metrics(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in HEAD}
