"""A drawn sample of pool images, drawn again from their ledger rows."""

from collections.abc import Iterator

import numpy as np

from synthtrace.errors import InputError
from synthtrace.lineage.findings import Finding, SkippedError, fail, note, warn
from synthtrace.lineage.replay import AnyPool, opened
from synthtrace.lineage.run import Run
from synthtrace.lineage.tolerance import LEVELS, SHARE
from synthtrace.stage import progress

PROMISE = "a drawn sample of pool images regenerates from its ledger row (all with --all)"


def check(study: Run) -> Iterator[Finding]:
    """Draw a batch of every pool again, or all batches, and hold it against the files.

    Which batch is drawn afresh each time: who could foresee the sample would put a counterfeit elsewhere. The batches are
    named, and `synthtrace replay` draws any image again.
    """
    if study.evidence:
        raise SkippedError("evidence holds no images")
    if study.fast:
        raise SkippedError("draws images again, which --fast leaves out")
    rng = np.random.default_rng()
    pools = [f"data/pools/{kind}/fold{fold}" for kind in study.kinds for fold in study.fold_numbers]
    images, all_images, drawn = 0, 0, []
    for out in progress(pools, "replay", unit="pool"):
        try:
            with opened(study, out) as pool:
                batches = pool.batches()
                all_images += len(pool.ledger)
                yield from _choices(pool)
                for batch in batches if study.everything or not batches else [int(rng.choice(list(batches)))]:
                    images += len(batches[batch])
                    drawn.append(f"{pool.kind}-f{pool.fold} batch {batch}")
                    yield from _judged(pool, batch)
        except InputError as error:
            yield fail(str(error), out)
    left = "" if images == all_images else f": {', '.join(drawn)}; --all draws the others too"
    yield note(f"{images} of {all_images} images of {len(pools)} pools drawn again{left}")


def _choices(pool: AnyPool) -> Iterator[Finding]:
    told = pool.otherwise_chosen()
    if told:
        yield fail(f"{pool.out}/ledger.parquet: {told}", f"{pool.out}/ledger.parquet")


def _judged(pool: AnyPool, batch: int) -> Iterator[Finding]:
    try:
        found = pool.replay(batch)
    except InputError as error:
        yield fail(str(error), f"{pool.out}/ledger.parquet")
        return
    wrong = [one for one in found if not one.reproduced]
    if len(wrong) == len(found) > 1:
        first = f"{wrong[0].path}: {wrong[0].sentence()}"
        yield fail(f"{pool.out}: none of the {len(found)} images of batch {batch} is reproduced; {first}", pool.out)
    else:
        yield from (fail(f"{one.path}: {one.sentence()}", one.path) for one in wrong)
    near = [one for one in found if one.reproduced and not one.equal]
    if near:
        levels, share = max(one.levels for one in near), max(one.share for one in near)
        yield warn(
            f"{pool.out}: {len(near)} of the {len(found)} images of batch {batch} are near, not equal: they differ in up to "
            f"{share:.2%} of their pixels by up to {levels} grey levels ({SHARE:.0%} and {LEVELS} are allowed, for "
            f"{near[0].elsewhere})",
            pool.out,
        )
