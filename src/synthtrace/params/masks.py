"""Block of the segmentation study's parameters: which masks are legal."""

from typing import Annotated

from pydantic import Field, model_validator

from synthtrace.params.types import Block, Fraction, Number


class Masks(Block):
    """What a mask may cover, as shares of its image: nothing at all (`empty`), or `least_area` to `most_area`."""

    empty: bool
    least_area: Annotated[Number, Field(gt=0, lt=1)]
    most_area: Fraction

    @model_validator(mode="after")
    def _ordered(self) -> "Masks":
        if self.least_area >= self.most_area:
            raise ValueError(f"least_area ({self.least_area}) must be smaller than most_area ({self.most_area})")
        return self

    def allows(self, area: float) -> bool:
        """Whether a mask of this area, a share in [0, 1], is legal."""
        return self.least_area <= area <= self.most_area or (self.empty and area == 0)
