"""Types that parameters have, and what each refuses."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _number(value: Any) -> Any:
    """Refuse what YAML makes of `yes`; take the `1e-3` that YAML leaves a string."""
    if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(r"[+-]?\d+\.?\d*([eE][+-]?\d+)?", value)):
        raise ValueError("input should be a number")
    return value


def _unrepeated(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError("input should name nothing twice")
    return values


def _normalisable(channels: list[int]) -> list[int]:
    groups = min(32, *channels)
    if any(count % groups for count in channels):
        raise ValueError(f"input should be multiples of {groups}, the number of groups of its group normalisation")
    return channels


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, strict=True)]
Natural = Annotated[int, Field(ge=0, strict=True)]
Rate = Annotated[Number, Field(gt=0, le=1)]
Fraction = Annotated[Number, Field(ge=0, le=1)]
Freezing = Literal["none", "partial", "all"]
Channels = Annotated[list[Count], Field(min_length=2), AfterValidator(_normalisable)]
Unrepeated = AfterValidator(_unrepeated)
Rates = Annotated[list[Annotated[Number, Field(gt=0, le=10)]], Field(min_length=1), Unrepeated]


class Block(BaseModel):
    """A block of params.yaml: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
