"""The overlay: red for, blue against, opacity by magnitude, nothing where the value is 0."""

import numpy as np
import pytest

from synthtrace.explain.overlay import AGAINST, FOR, overlay, shared_limit

GREY = np.full((2, 3), 100, dtype=np.uint8)


def at(value: float, channels: int = 1) -> np.ndarray:
    """Values that are 0 but for one pixel, (0, 1)."""
    values = np.zeros((channels, 2, 3), dtype=np.float32)
    values[:, 0, 1] = value / channels
    return values


@pytest.mark.parametrize("channels", [1, 3])
def test_a_positive_pixel_turns_red_and_a_negative_one_blue(channels: int) -> None:
    red, _, blue = overlay(GREY, at(0.5, channels), 1.0)[0, 1].astype(int)
    assert red > 100 > blue
    red, _, blue = overlay(GREY, at(-0.5, channels), 1.0)[0, 1].astype(int)
    assert blue > 100 > red


def test_pixels_without_value_stay_as_they_are() -> None:
    drawn = overlay(GREY, at(5.0), 1.0)
    others = np.ones((2, 3), dtype=bool)
    others[0, 1] = False
    assert (drawn[others] == 100).all()
    assert (overlay(GREY, np.zeros((1, 2, 3)), shared_limit(np.zeros((1, 1, 2, 3)))) == 100).all()


def test_values_at_and_beyond_the_limit_are_opaque() -> None:
    assert tuple(overlay(GREY, at(1.0), 1.0)[0, 1]) == tuple(overlay(GREY, at(7.0), 1.0)[0, 1]) == FOR
    assert tuple(overlay(GREY, at(-1.0), 1.0)[0, 1]) == AGAINST


def test_colour_images_are_drawn_over_in_grey() -> None:
    colour = np.zeros((2, 3, 3), dtype=np.uint8)
    colour[..., 1] = 200
    drawn = overlay(colour, at(0.0), 1.0)
    assert drawn.shape == (2, 3, 3)
    assert drawn.dtype == np.uint8
    assert (drawn == drawn[0, 0, 0]).all()


def test_the_limit_passes_over_the_most_extreme_pixels() -> None:
    values = np.full((2, 1, 20, 20), 0.1)
    values[0, 0, 0, 0] = -50
    assert shared_limit(values) == pytest.approx(0.1)
