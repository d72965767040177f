"""The block of style transfer refuses what cannot be."""

from typing import Any

import pytest
from disc_pairs import TABLE_A3, settings
from pydantic import ValidationError


def test_the_weights_are_those_of_table_a3_by_name() -> None:
    weights = settings().weights
    assert (weights.zecon, weights.perceptual, weights.mse) == (500, 100, 5000)
    assert (weights.token, weights.l2, weights.semantic, weights.range) == (10000, 10000, 40000, 200)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"skip_timesteps": 20}, "skip_timesteps is 20, but steps is 20"),
        ({"weights": TABLE_A3 | {"l2": -1}}, "greater than or equal to 0"),
        ({"weights": {"l2": 1}}, "Field required"),
        ({"patches": 1}, "greater than or equal to 2"),
        ({"temperature": 0}, "greater than 0"),
        ({"token": "vit_small_patch16_224.dino"}, "valid dictionary"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**changes)
