"""The block of params.yaml on SinGAN-Seg, the pool `gan` of paper 2 (section 3.4)."""

import math
from typing import Annotated

from pydantic import Field, model_validator

from synthtrace.errors import InputError
from synthtrace.params.types import Block, Count, Number, Rate

Weight = Annotated[Number, Field(ge=0)]


class SinGan(Block):
    """A pyramid of small GANs for one image-mask pair (Shaham et al. 2019; for pairs Thambawita et al. 2022).

    `min_side` is the side of the coarsest scale (theirs: 25), `scale_factor` about the side of a scale / side of the next finer
    one (0.75). All networks have `layers` 3x3 convolutions (5) of `channels` (32), twice as many every four scales. A scale
    trains for `steps` (2000) of `inner_steps` (3) updates of the discriminator, then as many of the generator, at
    `learning_rate` (0.0005) for both. `penalty_weight` is that of the gradient penalty (0.1), `reconstruction_weight` that of
    the pair's reconstruction (10), `noise_weight` a finer scale's noise / what is left for it to reconstruct (0.1).
    """

    min_side: Count
    scale_factor: Annotated[Number, Field(gt=0, lt=1)]
    channels: Count
    layers: Annotated[int, Field(ge=2, strict=True)]
    steps: Count
    inner_steps: Count
    learning_rate: Rate
    penalty_weight: Weight
    reconstruction_weight: Weight
    noise_weight: Weight

    @model_validator(mode="after")
    def _sees_a_patch(self) -> "SinGan":
        if self.min_side <= 2 * self.layers:
            raise ValueError(
                f"min_side is {self.min_side}; expected at least {2 * self.layers + 1}, the side of the patch that "
                f"{self.layers} layers see"
            )
        return self

    def sides(self, side: int) -> list[int]:
        """Sides of the scales of pairs of side `side`, the coarsest first, in equal ratios from `min_side` to `side`.

        Raises InputError when min_side is larger than the side.
        """
        if self.min_side > side:
            raise InputError(f"min_side: is {self.min_side}; expected at most {side}, the side of the pairs")
        ratio = self.min_side / side
        # less a hair: a factor that fits exactly is not to give one scale more
        finest = math.ceil(math.log(ratio) / math.log(self.scale_factor) - 1e-9)
        return [round(side * ratio ** (1 - scale / max(1, finest))) for scale in range(finest)] + [side]

    def widths(self, scales: int) -> list[int]:
        """Channels of the networks of so many scales, the coarsest first."""
        return [self.channels * 2 ** (scale // 4) for scale in range(scales)]
