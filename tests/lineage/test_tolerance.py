"""Equality is asked for where it can be had, and a stated tolerance elsewhere."""

import importlib.metadata
import platform

import numpy as np
import pytest
import torch

from synthtrace.lineage.machine import Machine
from synthtrace.lineage.tolerance import DRAWS_WITH, LEVELS, SHARE, Replayed, compared, differing

HERE = {
    "device": "cpu",
    "platform": f"{platform.system()} {platform.machine()}",
    "packages": {name: importlib.metadata.version(name) for name in DRAWS_WITH},
}


def machine(record: dict | None) -> Machine:
    return Machine(torch.device("cpu"), "cpu", (record or {}).get("device"), record)


def image(levels: int, pixels: int, elsewhere: str) -> Replayed:
    """A file of 20 x 20 pixels, some of them off by some levels."""
    drawn = np.full((20, 20), 100, dtype=np.uint8)
    file = drawn.copy()
    file.flat[:pixels] -= np.uint8(levels)
    return compared("image", "image.png", elsewhere, file, drawn)


def test_nothing_differs_where_it_was_drawn() -> None:
    assert differing(machine(HERE | {"threads": 7})) == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"device": "NVIDIA H100"}, "device cpu here, NVIDIA H100 there"),
        ({"platform": "Darwin arm64"}, "platform "),
        ({"packages": HERE["packages"] | {"torch": "1.0"}}, "torch "),
        ({"packages": {}}, "not recorded there"),
    ],
)
def test_what_differs_is_named(change: dict, told: str) -> None:
    assert told in differing(machine(HERE | change))


def test_without_a_record_nobody_knows() -> None:
    assert differing(machine(None)) == "no record tells where it was drawn"


def test_equality_is_reproduced_anywhere() -> None:
    for elsewhere in ("", "device"):
        found = image(0, 0, elsewhere)
        assert (found.equal, found.reproduced, found.sentence()) == (True, True, "equal to the bit")


def test_where_it_was_drawn_nothing_but_equality_counts() -> None:
    found = image(1, 1, "")
    assert not found.reproduced
    assert found.sentence().startswith("0.25% of its pixels differ from what its ledger row draws, by up to 1 grey levels")
    assert found.sentence().endswith("expected equality")


@pytest.mark.parametrize(
    ("levels", "share", "reproduced"), [(LEVELS, SHARE, True), (LEVELS + 1, SHARE / 2, False), (1, SHARE + 0.01, False)]
)
def test_elsewhere_the_tolerance_decides(levels: int, share: float, reproduced: bool) -> None:
    found = image(levels, round(share * 400), "device cpu here, NVIDIA H100 there")
    assert found.reproduced is reproduced
    words = "within the tolerance of" if reproduced else "expected"
    assert found.sentence().endswith(f"{words} at most 2 in 5% of them (device cpu here, NVIDIA H100 there)")


def test_colours_of_a_pixel_are_one_pixel() -> None:
    drawn = np.zeros((10, 10, 3), dtype=np.uint8)
    file = drawn.copy()
    file[0, 0] = 9
    assert compared("image", "image.png", "", file, drawn).share == 0.01


def test_another_shape_is_no_image_of_this_row() -> None:
    found = compared("image", "image.png", "device", np.zeros((4, 4), np.uint8), np.zeros((5, 4), np.uint8))
    assert not found.reproduced
    assert found.sentence() == "its shape is (4, 4); its ledger row draws (5, 4)"
