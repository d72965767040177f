"""Blocks of the diffusion models of image-mask pairs and of inpainting (paper 2, Tables A.1 and A.2)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from synthtrace.errors import InputError
from synthtrace.params.types import Block, Channels, Count, Fraction, Natural, Number, Rate, Unrepeated


class PairDiffusion(Block):
    """A pixel-space U-Net that denoises image and mask as one stack of channels, and its training (paper 2, Table A.1).

    `channels` are those of the levels, each half the side of the one before; `attention` the sides of the levels that attend,
    by heads of `head_dim` channels. With `learned_variance` the U-Net also predicts how much noise a step adds.
    """

    steps: Count
    batch_size: Count
    learning_rate: Rate
    weight_decay: Fraction
    ema_decay: Annotated[Number, Field(ge=0, lt=1)]
    train_timesteps: Annotated[Count, Field(ge=100)]
    noise_schedule: Literal["linear", "cosine"]
    prediction_type: Literal["epsilon", "v_prediction"]
    learned_variance: bool
    channels: Channels
    layers_per_block: Count
    attention: Annotated[list[Count], Unrepeated]
    head_dim: Count
    dropout: Annotated[Number, Field(ge=0, lt=1)]

    def sides(self, side: int) -> list[int]:
        """Sides of the levels for images of side `side`; raises InputError where halving or attention does not fit."""
        factor = 2 ** (len(self.channels) - 1)
        if side % factor:
            raise InputError(
                f"channels: has {len(self.channels)} levels, which halve a side {len(self.channels) - 1} times; expected an "
                f"image side that is a multiple of {factor}, found {side}"
            )
        sides = [side // 2**level for level in range(len(self.channels))]
        if unknown := sorted(set(self.attention) - set(sides)):
            raise InputError(f"attention: no level has side {unknown[0]}; those of images of side {side} have {sides}")
        attending = {width for at, width in zip(sides, self.channels, strict=True) if at in self.attention}
        # the middle of the U-Net always attends
        for width in sorted(attending | {self.channels[-1]}):
            if width % self.head_dim:
                raise InputError(f"head_dim: is {self.head_dim}; expected a divisor of {width}, the channels of a level")
        return sides


class Inpainting(Block):
    """How the lesions of real pairs are painted anew (RePaint, Lugmayr et al. 2022; paper 2, section 3.2 and Table A.2).

    `samples` a real pair, in `respacing` steps that jump back by `jump_length` until each stretch was gone through `resamples`
    times; `dilation` in pixels of images of side 256.
    """

    samples: Count
    respacing: Annotated[Count, Field(ge=2, le=1000)]
    jump_length: Count
    resamples: Count
    dilation: Natural
    batch_size: Count

    @model_validator(mode="after")
    def _jumps(self) -> "Inpainting":
        if self.resamples > 1 and self.jump_length >= self.respacing:
            raise ValueError(f"jump_length is {self.jump_length}; expected less than respacing, {self.respacing}, to resample")
        return self
