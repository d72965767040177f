import pytest
from pydantic import ValidationError

from synthtrace.errors import InputError
from synthtrace.params.singan import SinGan


def changed(settings: SinGan, **changes: float) -> SinGan:
    return SinGan(**{**settings.model_dump(), **changes})


def test_the_sources_pyramid_goes_from_25_pixels_in_steps_of_about_three_quarters(settings: SinGan) -> None:
    theirs = changed(settings, min_side=25, scale_factor=0.75, layers=5)
    assert theirs.sides(250) == [25, 32, 42, 54, 70, 90, 116, 150, 194, 250]
    assert theirs.sides(64) == [25, 32, 40, 51, 64]


@pytest.mark.parametrize(("factor", "sides"), [(0.5, [8, 16, 32, 64]), (0.75, [27, 36, 48, 64]), (0.9, [729, 810, 900, 1000])])
def test_a_ratio_that_fits_is_kept(settings: SinGan, factor: float, sides: list[int]) -> None:
    assert changed(settings, scale_factor=factor, min_side=sides[0]).sides(sides[-1]) == sides


def test_pairs_as_small_as_the_coarsest_scale_have_one_scale(settings: SinGan) -> None:
    assert settings.sides(8) == [8]


def test_networks_double_their_width_every_four_scales(settings: SinGan) -> None:
    assert settings.widths(9) == [8, 8, 8, 8, 16, 16, 16, 16, 32]


def test_a_coarsest_scale_larger_than_the_pair_is_refused(settings: SinGan) -> None:
    with pytest.raises(InputError, match="min_side: is 8; expected at most 6, the side of the pairs"):
        settings.sides(6)


def test_a_coarsest_scale_smaller_than_a_patch_is_refused(settings: SinGan) -> None:
    with pytest.raises(ValidationError, match="min_side is 10; expected at least 11"):
        changed(settings, min_side=10, layers=5)
    assert changed(settings, min_side=11, layers=5).min_side == 11


@pytest.mark.parametrize("factor", [0, 1])
def test_a_pyramid_that_does_not_grow_is_refused(settings: SinGan, factor: float) -> None:
    with pytest.raises(ValidationError, match="scale_factor"):
        changed(settings, scale_factor=factor)
