"""No patient and no image is on both sides of a fold, through all that stands upstream of a prediction.

What is held against folds.csv: the cards of every checkpoint that the lock puts upstream of a fold's predictions (autoencoder,
extractor, generator), the maps that pools were conditioned on, the images that selections name, what each classifier of the
comparison and of the curve drew, and the predictions themselves. What is held against pixels: crops against their scans, images
with the same pixels on two sides, and images of two patients that show the same thing (`lineage.rescans`, which says what it
catches and what it misses).

It proves this of what cards and tables say. A card that was forged together with its weights is found by re-training alone.
"""

from collections.abc import Iterator
from functools import partial

from synthtrace.lineage.checkpoints import judged, upstream_checkpoints
from synthtrace.lineage.drawn import conditions, drawn_by_classifiers
from synthtrace.lineage.findings import Finding, told_once
from synthtrace.lineage.pixels import crops_are_the_scans
from synthtrace.lineage.roles import Sides, folds_apart, predictions_apart, sides
from synthtrace.lineage.run import Run
from synthtrace.lineage.study import Study
from synthtrace.lineage.twins import twins

PROMISE = "no patient and no (near-)identical image trains anything that is then scored on them"


def check(study: Study) -> Iterator[Finding]:
    """Judge each part; one that cannot be read is a finding and leaves the others standing."""
    folds = sides(study)
    labels: dict[str, int] = {}
    parts = [partial(folds_apart, study)]
    if not study.evidence:
        labels = dict(zip(study.manifest["image_id"], study.manifest["label"].astype(int), strict=True))
        parts += [partial(crops_are_the_scans, study), partial(checkpoints_apart, study, folds)]
        parts += [partial(drawn_by_classifiers, study, folds, trainings) for trainings in study.trainings]
        parts += [partial(conditions, study, kind, side) for kind in study.kinds for side in folds.values()]
    parts += [partial(predictions_apart, study, folds, trainings, labels) for trainings in study.trainings]
    if not study.evidence:
        parts.append(partial(twins, study, folds))
    yield from told_once(parts)


def checkpoints_apart(study: Run, folds: dict[int, Sides]) -> Iterator[Finding]:
    """What each model upstream of a prediction saw."""
    every = upstream_checkpoints(study, folds)
    for checkpoint in every:
        yield from judged(study, checkpoint, every, folds)
