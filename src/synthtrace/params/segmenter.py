"""Blocks of the segmentation study: the network, and which mixes of real and synthetic pairs it is trained on."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from synthtrace.params.types import Block, Count, Fraction, Number, Rate, Unrepeated

Architecture = Literal["unet", "unetplusplus", "manet", "linknet", "fpn", "deeplabv3plus"]
Counts = Annotated[list[Count], Field(min_length=1), Unrepeated]


class Segmenter(Block):
    """The segmentation network, by the names of segmentation-models-pytorch (paper 2, section 3.5).

    `weights` of the encoder: null, imagenet, or a local file. Every training takes `steps` steps, whatever it is trained on:
    with the paper's epochs, a set three times as large is also trained three times as long, and what it gains cannot be told
    from that. 150 epochs of the paper's 348 real pairs, of which 20 % validate, are 150 x 278 / 8 = 5212 steps in batches of 8.
    After the share `falls_after` of the steps (50 epochs of 150), the learning rate is `learning_rate_after`.

    The IoU of the validation pairs is looked at `evaluations` times, in equal distances and after the last step; the weights
    of the best look are kept. `seeds` trainings make a cell of a table.
    """

    architecture: Architecture
    encoder: str
    weights: str | None
    seeds: Count
    steps: Count
    evaluations: Count
    batch_size: Annotated[int, Field(ge=2, strict=True)]
    learning_rate: Rate
    learning_rate_after: Rate
    falls_after: Fraction
    validation_share: Annotated[Number, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _looked_at(self) -> "Segmenter":
        if self.evaluations > self.steps:
            raise ValueError(f"evaluations {self.evaluations} should be at most steps {self.steps}")
        return self


class Mixes(Block):
    """Which mixes are trained on (paper 2, Tables 3 to 6).

    Synthetic pairs alone, `multiples` for each real one (N of Table 3); all real pairs, to each of which an epoch adds a
    variant with probability `alpha` (Tables 4 and 5), without and with standard augmentation as `controls` says; and
    `small_sets` of real pairs with `small_multiples` variants of each (N and r of Table 6), from pools of `small_kinds`.
    """

    multiples: Counts
    alpha: Rate
    controls: Annotated[list[bool], Field(min_length=1), Unrepeated]
    small_sets: Annotated[list[Count], Unrepeated]
    small_multiples: Counts
    small_kinds: Annotated[list[str], Unrepeated]
