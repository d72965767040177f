"""The block of params.yaml on style transfer (paper 2, Section 3.3)."""

from typing import Annotated

from pydantic import Field, model_validator

from synthtrace.params.types import Block, Count, Natural, Number

Weight = Annotated[Number, Field(ge=0)]


class StyleWeights(Block):
    """Weights of the terms (paper 2, Table A.3, in its order: ZeCon, VGG, MSE; sty, L2, sem, rng); 0: no such term.

    `zecon`, `perceptual` and `mse` hold the content, `token`, `l2`, `semantic` and `range` bring the style. All terms are means
    over pixels and values: on smaller images than the paper's 256 x 256, a pixel feels the same weight the more.
    """

    zecon: Weight
    perceptual: Weight
    mse: Weight
    token: Weight
    l2: Weight
    semantic: Weight
    range: Weight


class Token(Block):
    """The vision transformer of the style terms: a timm id, with weights `imagenet` (timm's own) or of a local file."""

    backbone: str
    weights: str


class Style(Block):
    """How inpainted pairs take the style of their real images.

    `steps` of the respaced schedule, of which the first, noisiest `skip_timesteps` are left out. `patches` and `temperature`:
    of the contrastive loss, at most so many patches a feature map. `perceptual`: `hub` or a local weights file of torchvision's
    VGG16. `perceptual` null or `token` null: the in-domain network instead.
    """

    steps: Annotated[Count, Field(le=1000)]
    skip_timesteps: Natural
    batch_size: Count
    weights: StyleWeights
    patches: Annotated[int, Field(ge=2, strict=True)]
    temperature: Annotated[Number, Field(gt=0)]
    perceptual: str | None
    token: Token | None

    @model_validator(mode="after")
    def _steps_are_left(self) -> "Style":
        if self.skip_timesteps >= self.steps:
            raise ValueError(f"skip_timesteps is {self.skip_timesteps}, but steps is {self.steps}; no step is left")
        return self
