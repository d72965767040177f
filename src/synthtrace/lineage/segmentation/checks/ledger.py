"""Every pair of a pool has one row in ledger, scores and selection, and this row is the one that seed and parameters give.

A counterfeit pair with a consistent row is not found here but by `replay`, which draws it again.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from synthtrace.lineage.candidates import files_right, generator_there, kept_by
from synthtrace.lineage.checks.ledger import PROMISE
from synthtrace.lineage.findings import Finding, SkippedError, told_once
from synthtrace.lineage.segmentation.pools import RULE, drawn_kept, files_of, rows_right, skipped_rightly
from synthtrace.lineage.segmentation.study import FOLD, PairStudy
from synthtrace.stage import progress

__all__ = ["PROMISE", "check"]


def check(study: PairStudy) -> Iterator[Finding]:
    """Judge every pool, then what the segmenters drew from it and skipped; a table that cannot be read is a finding."""
    if study.evidence:
        raise SkippedError("evidence holds no pools")
    for kind in progress(study.kinds, "ledger", unit="pool"):
        yield from told_once([partial(_pool, study, kind)])
    drawn: list[Callable[[], Iterable[Finding]]] = [partial(drawn_kept, study, kind) for kind in study.kinds]
    yield from told_once([*drawn, *(partial(skipped_rightly, study, item) for item in study.items)])


def _pool(study: PairStudy, kind: str) -> Iterator[Finding]:
    ledger, base = study.ledger(kind, FOLD), study.base(kind)
    yield from told_once(
        [
            partial(rows_right, study, kind, ledger),
            partial(files_right, study.pool(kind, FOLD), f"data/pools/{kind}/fold{FOLD}", files_of(ledger)),
            partial(generator_there, study, base, FOLD, ledger, kind),
            partial(kept_by, study, kind, FOLD, ledger, RULE),
        ]
    )
