"""Pairs of an image and its mask in memory; draws of them that hold smaller ones, and splits that keep groups whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthtrace.errors import InputError
from synthtrace.seeds import Seeds


@dataclass(frozen=True)
class SegmentationSet:
    """Images uint8 (N, C, S, S), masks uint8 (N, 1, S, S) of 0 and 255, and a name of each kind a pair.

    `source_ids` names the real pair that a synthetic one was made from, and a real pair itself; `groups` is the source's group,
    which is never split.
    """

    images: np.ndarray
    masks: np.ndarray
    image_ids: list[str]
    source_ids: list[str]
    groups: list[str]

    def __len__(self) -> int:
        return len(self.image_ids)

    def __add__(self, other: "SegmentationSet") -> "SegmentationSet":
        """Both sets, one behind the other."""
        return SegmentationSet(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.masks, other.masks]),
            self.image_ids + other.image_ids,
            self.source_ids + other.source_ids,
            self.groups + other.groups,
        )

    def take(self, positions: Sequence[int] | np.ndarray) -> "SegmentationSet":
        """The pairs at these positions, in their order."""
        chosen = np.asarray(positions, dtype=np.int64)
        names = ([column[position] for position in chosen] for column in (self.image_ids, self.source_ids, self.groups))
        return SegmentationSet(self.images[chosen], self.masks[chosen], *names)

    def of_sources(self, source_ids: set[str]) -> "SegmentationSet":
        """The pairs that were made from these real ones."""
        return self.take([position for position, source in enumerate(self.source_ids) if source in source_ids])


def small_set(image_ids: Sequence[str], size: int, seeds: Seeds) -> list[str]:
    """`size` of the real training pairs (paper 2, Table 6): generators of that size and networks are trained on the same.

    A larger set holds every smaller one; the order of `image_ids` is no matter. Raises InputError when there are fewer pairs.
    """
    names = sorted(image_ids)
    if size > len(names):
        raise InputError(f"mixes.small_sets: {size} is more than the {len(names)} real training pairs")
    return [names[position] for position in seeds.stream("segment", "small set").permutation(len(names))[:size]]


def first_variants(pool: SegmentationSet, multiple: int, seeds: Seeds) -> SegmentationSet:
    """At most `multiple` of the pool's pairs of each source; a larger multiple holds every smaller one."""
    by_source: dict[str, list[int]] = {}
    for position in sorted(range(len(pool)), key=pool.image_ids.__getitem__):
        by_source.setdefault(pool.source_ids[position], []).append(position)
    chosen: list[int] = []
    for source, own in sorted(by_source.items()):
        order = seeds.stream("segment", "variants", source).permutation(len(own))
        chosen += [own[position] for position in order[:multiple]]
    return pool.take(chosen)


def validation_groups(groups: Sequence[str], share: float, rng: np.random.Generator) -> set[str]:
    """Groups that validate: of a shuffle the first ones, as many as come nearest to `share` of the pairs, and never all.

    Raises InputError when all pairs are of one group.
    """
    names, counts = np.unique(np.asarray(groups, dtype=str), return_counts=True)
    if len(names) < 2:
        raise InputError(
            f"segmenter.validation_share: the {len(groups)} training pairs are of one group {groups[0]!r}; expected two at "
            "least, one to train and one to validate on"
        )
    order = rng.permutation(len(names))
    reached = np.cumsum(counts[order])[:-1]
    taken = int(np.abs(reached - share * len(groups)).argmin()) + 1
    return set(names[order[:taken]].tolist())
