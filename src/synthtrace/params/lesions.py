"""Block of the segmentation study's parameters: the phantom of lesions."""

from typing import Annotated

from pydantic import Field

from synthtrace.params.types import Block, Count, Number


class SimulateLesions(Block):
    """The phantom of lesions: how many centres, images of each, and which share of these shows no lesion."""

    centres: Annotated[int, Field(ge=2, strict=True)]
    images: Count
    empty_share: Annotated[Number, Field(ge=0, lt=1)]
