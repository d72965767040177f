"""No pair that is scored, and none of its patient, teaches anything that the scores rest on.

What is held against folds.csv: the cards of every checkpoint that the lock puts upstream of the scores (extractor, generators
and each of their models), the clusters, the pairs that pools were made from, those that selections name, what each segmenter
drew, and the scores themselves; generators and segmenters of a small set saw that set alone. What is held against pixels:
pairs against their scans, and images on two sides that show the same thing (`lineage.twins`).
"""

from collections.abc import Iterator
from functools import partial

from synthtrace.errors import InputError
from synthtrace.lineage.checks.folds import PROMISE, checkpoints_apart
from synthtrace.lineage.drawn import conditions
from synthtrace.lineage.findings import Finding, told_once
from synthtrace.lineage.roles import FOLDS, roles_apart, sides
from synthtrace.lineage.segmentation import seen, segmenters
from synthtrace.lineage.segmentation.crops import pairs_are_the_scans
from synthtrace.lineage.segmentation.study import FOLD, PairStudy
from synthtrace.lineage.twins import twins

__all__ = ["PROMISE", "check"]


def check(study: PairStudy) -> Iterator[Finding]:
    """Judge each part; one that cannot be read is a finding and leaves the others standing."""
    if study.fold_numbers != [FOLD]:
        raise InputError(f"{FOLDS}: holds the folds {study.fold_numbers}; expected one, {FOLD}")
    folds = sides(study)
    side = folds[FOLD]
    parts = [partial(roles_apart, study)]
    if not study.evidence:
        parts += [partial(pairs_are_the_scans, study), partial(checkpoints_apart, study, folds)]
        parts += [partial(seen.clustered, study, side)]
        parts += [partial(seen.generator_saw, study, kind, side) for kind in study.params.generators.kinds]
        parts += [partial(part, study, kind, side) for kind in study.kinds for part in (conditions, seen.sources_seen)]
        parts += [partial(segmenters.drawn_by_segmenters, study, item, side) for item in study.items]
        parts += [partial(segmenters.kept_network, study, item) for item in study.items]
    parts += [partial(segmenters.scores_apart, study, item, side) for item in study.items]
    if not study.evidence:
        parts.append(partial(twins, study, folds))
    yield from told_once(parts)
