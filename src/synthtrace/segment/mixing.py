"""What each recipe trains and validates on, and what every epoch draws of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from synthtrace.errors import InputError
from synthtrace.params.segmenter import Segmenter
from synthtrace.seeds import Seeds
from synthtrace.segment.pairs import SegmentationSet, first_variants, small_set, validation_groups
from synthtrace.segment.recipes import REAL, Recipe

# the synthetic pairs of a recipe's kind, null for `real`; of a small set, those of its own generators unless `saw_all`
PoolOf = Callable[[Recipe], SegmentationSet | None]


class TooFewPairsError(InputError):
    """Pairs are there, but fewer than a recipe needs."""


@dataclass(frozen=True)
class Plan:
    """Pairs to train on and pairs to validate on, without a common group.

    An epoch holds the first `always` training pairs once each; to each of them it adds, with probability `alpha`, one of its
    `variants` (positions in the training pairs), drawn uniformly and afresh.
    """

    training: SegmentationSet
    validation: SegmentationSet
    always: int
    variants: list[np.ndarray]
    alpha: float

    def epoch(self, rng: np.random.Generator) -> np.ndarray:
        """Positions of an epoch's training pairs, shuffled."""
        added = [rng.choice(own) for own in self.variants if rng.random() < self.alpha and len(own)]
        return rng.permutation(np.concatenate([np.arange(self.always), np.array(added, dtype=np.int64)]))

    def batches(self, size: int, seeds: Seeds, names: tuple[str | int, ...]) -> Iterator[np.ndarray]:
        """Endless batches of exactly `size` positions, epoch after epoch, from the streams (*names, "epoch", number)."""
        waiting, number = np.empty(0, dtype=np.int64), 0
        while True:
            while len(waiting) < size:
                waiting = np.concatenate([waiting, self.epoch(seeds.stream(*names, "epoch", number))])
                number += 1
            yield waiting[:size]
            waiting = waiting[size:]


def why_skipped(recipe: Recipe, real: SegmentationSet, pool_of: PoolOf, settings: Segmenter, seeds: Seeds) -> str | None:
    """Why some training of a recipe could not be filled with these pairs, in a sentence for its table; null when all can be.

    A pool is not asked for where there are too few real pairs. Raises InputError as `plan`, and where all real pairs together
    cannot be parted: without them no recipe has anything to be compared with.
    """
    if recipe.size is not None and recipe.size > len(real):
        return f"there are {len(real)} real training pairs, fewer than {recipe.size}"
    pool = pool_of(recipe)
    if pool is not None:
        own = pool.of_sources(set(_real_of(recipe, real, seeds).source_ids))
        if not len(own):
            return f"no synthetic pair of the pool {recipe.pool} was kept" + (
                f" of those made from the {recipe.size} real ones" if len(pool) else ""
            )
        most = int(np.unique(own.source_ids, return_counts=True)[1].max())
        if recipe.multiple is not None and recipe.multiple > most:
            return f"no real pair has more than {most} synthetic ones of kind {recipe.kind}, fewer than {recipe.multiple}"
    try:
        for seed in range(settings.seeds):
            plan(recipe, real, pool, settings.validation_share, seeds, seed)
    except TooFewPairsError as error:
        if recipe.design == "full":
            raise
        return str(error).removeprefix(f"{recipe.name}: ")
    return None


def plan(recipe: Recipe, real: SegmentationSet, pool: SegmentationSet | None, share: float, seeds: Seeds, seed: int) -> Plan:
    """What a training of number `seed` reads.

    The groups that validate are drawn by `seed` alone: recipes of one set of real pairs are paired. Where real pairs are
    trained on, real ones validate; of synthetic pairs alone, synthetic ones do (paper 2, section 3.5). Variants of a pair that
    validates are not trained on.

    Args:
        recipe: one that `why_skipped` has nothing against.
        real: all real training pairs.
        pool: the synthetic pairs of the recipe's kind, null for `real`.
        share: of the pairs that validate.
        seeds: root of the draws.
        seed: number of the training.

    Raises:
        InputError: a synthetic pair was made from one that its generator was not to see.
        TooFewPairsError: there is nothing to train or to validate on, or no synthetic pair to train on.
    """
    every, real = set(real.source_ids), _real_of(recipe, real, seeds)
    own = set(real.source_ids)
    synthetic = _variants(recipe, pool, every if recipe.saw_all else own, own, seeds)
    try:
        held = validation_groups(real.groups, share, seeds.stream("segment", "validation", recipe.size or 0, seed))
    except InputError as error:
        raise TooFewPairsError(str(error)) from None
    whole = synthetic if recipe.design == "synthetic" else real
    training, validation = _parted(whole, held)
    if not (len(training) and len(validation)):
        raise TooFewPairsError(
            f"{recipe.name}: {len(training)} pairs to train and {len(validation)} to validate on; expected some"
        )
    if recipe.design in ("full", "synthetic") or recipe.kind == REAL:
        return Plan(training, validation, len(training), [], 0.0)
    synthetic, _ = _parted(synthetic, held)
    if not len(synthetic):
        raise TooFewPairsError(f"{recipe.name}: all synthetic pairs were made from real ones that validate in training {seed}")
    both = training + synthetic
    if recipe.design == "small":
        return Plan(both, validation, len(both), [], 0.0)
    sources = np.asarray(synthetic.source_ids, dtype=str)
    variants = [len(training) + np.flatnonzero(sources == source) for source in training.source_ids]
    return Plan(both, validation, len(training), variants, recipe.alpha or 0.0)


def _real_of(recipe: Recipe, real: SegmentationSet, seeds: Seeds) -> SegmentationSet:
    """The real pairs that a recipe's own ones are made from: all, or those of its small set."""
    return real if recipe.size is None else real.of_sources(set(small_set(real.image_ids, recipe.size, seeds)))


def _variants(
    recipe: Recipe, pool: SegmentationSet | None, allowed: set[str], wanted: set[str], seeds: Seeds
) -> SegmentationSet:
    """The synthetic pairs that a recipe may read, checked against the real pairs that they may come from."""
    if pool is None:
        if recipe.kind != REAL:
            raise ValueError(f"{recipe.name}: expected a pool")
        return SegmentationSet(np.empty(0), np.empty(0), [], [], [])
    for image_id, source in zip(pool.image_ids, pool.source_ids, strict=True):
        if source not in allowed:
            raise InputError(
                f"{recipe.name}: synthetic pair {image_id} was made from {source}, which is none of the {len(allowed)} real "
                "training pairs that its generator was to see"
            )
    own = pool.of_sources(wanted)
    return own if recipe.multiple is None else first_variants(own, recipe.multiple, seeds)


def _parted(pairs: SegmentationSet, held: set[str]) -> tuple[SegmentationSet, SegmentationSet]:
    """Pairs of other groups, and of groups that are held back."""
    back = np.array([group in held for group in pairs.groups], dtype=bool)
    return pairs.take(np.flatnonzero(~back)), pairs.take(np.flatnonzero(back))
