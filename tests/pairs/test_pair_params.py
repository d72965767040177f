"""What the parameters of pair diffusion and of inpainting refuse."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from synthtrace.errors import InputError
from synthtrace.params.pairs import Inpainting, PairDiffusion

Settings = Callable[..., PairDiffusion]


def test_sides_halve_from_level_to_level(settings: Settings) -> None:
    assert settings(channels=[8, 8, 8, 8], attention=[32]).sides(64) == [64, 32, 16, 8]


def test_a_side_that_cannot_be_halved_is_refused(settings: Settings) -> None:
    with pytest.raises(InputError, match="multiple of 4, found 18"):
        settings(channels=[8, 8, 8]).sides(18)


def test_attention_where_no_level_is_is_refused(settings: Settings) -> None:
    with pytest.raises(InputError, match=r"no level has side 8; those of images of side 32 have \[32, 16\]"):
        settings(attention=[16, 8]).sides(32)


@pytest.mark.parametrize("attention", [[16], []])
def test_heads_that_do_not_divide_the_channels_are_refused(settings: Settings, attention: list[int]) -> None:
    with pytest.raises(InputError, match="head_dim: is 5; expected a divisor of"):
        settings(head_dim=5, attention=attention).sides(16)


def test_the_papers_settings_are_taken(settings: Settings, inpainting: Callable[..., Inpainting]) -> None:
    """Table A.1 (channels are 256 times 1, 1, 2, 2, 4 and 4 at 256 px) and Table A.2."""
    paper = settings(channels=[256, 256, 512, 512, 1024, 1024], attention=[16, 8], head_dim=64, layers_per_block=2)
    assert paper.sides(256)[-1] == 8
    inpainting(samples=3, respacing=200, jump_length=10, resamples=5, dilation=20)


def test_jumps_longer_than_the_way_are_refused(inpainting: Callable[..., Inpainting]) -> None:
    with pytest.raises(ValidationError, match="jump_length is 10; expected less than respacing, 10"):
        inpainting(jump_length=10)
    inpainting(jump_length=10, resamples=1)
