"""Blocks of the segmentation study's parameters: clusters of pairs, and which generated pairs are kept."""

from typing import Annotated

from pydantic import Field

from synthtrace.params.types import Block, Count, Fraction, Number


class Clusters(Block):
    """Into how many clusters training pairs fall (paper 2, section 2: 20); one of fewer than `min_size` merges with another."""

    count: Count
    min_size: Count


class PairSelection(Block):
    """What drops a generated pair.

    `mask_quantile`: the share of real masks, the most unlike the others, that the rule for masks would drop as well;
    `copy_quantile` as in the main study's `selection`.
    """

    mask_quantile: Annotated[Number, Field(ge=0, lt=0.5)]
    copy_quantile: Fraction
