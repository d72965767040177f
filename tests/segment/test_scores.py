"""Known answers of IoU, Dice and the Dice loss, of an image each."""

import numpy as np
import pytest
from toy_pairs import discs

from synthtrace.segment.scores import dice, dice_loss, iou, score_table


def masks(*squares: tuple[int, int, int, int]) -> np.ndarray:
    """One mask of 10 x 10 a square, from (top, left) to (bottom, right)."""
    drawn = np.zeros((len(squares), 1, 10, 10), dtype=bool)
    for mask, (top, left, bottom, right) in zip(drawn, squares, strict=True):
        mask[0, top:bottom, left:right] = True
    return drawn


EMPTY = (0, 0, 0, 0)
# half overlapping, the same, apart, both empty, one empty
PREDICTED = masks((0, 0, 4, 4), (1, 1, 5, 5), (0, 0, 2, 2), EMPTY, EMPTY)
TRUE = masks((0, 2, 4, 6), (1, 1, 5, 5), (5, 5, 9, 9), EMPTY, (0, 0, 3, 3))


def test_iou_and_dice_of_known_masks_and_of_two_empty_ones() -> None:
    assert iou(PREDICTED, TRUE).tolist() == [8 / 24, 1, 0, 1, 0]
    assert dice(PREDICTED, TRUE).tolist() == [16 / 32, 1, 0, 1, 0]


def test_the_dice_loss_is_of_probabilities_and_comes_near_1_minus_dice_as_they_harden() -> None:
    assert dice_loss(PREDICTED.astype(float), TRUE) == pytest.approx([16 / 33, 0, 20 / 21, 0, 9 / 10])
    assert dice_loss(np.full((1, 1, 10, 10), 0.5), TRUE[1:2])[0] == pytest.approx(1 - 17 / 67)


def test_a_dice_loss_of_probabilities_can_exceed_1_minus_iou_as_the_papers_does() -> None:
    unsure = np.where(TRUE[1:2], 0.6, 0.4)
    assert iou(unsure > 0.5, TRUE[1:2])[0] == 1
    assert dice_loss(unsure, TRUE[1:2])[0] > 0.6


def test_a_row_a_test_pair_with_its_group_and_areas() -> None:
    test = discs(3, "test", 0)
    table = score_table((test.masks > 0).astype(np.float32), test)
    assert table["image_id"].tolist() == test.image_ids
    assert table["group_id"].tolist() == ["G0", "G0", "G1"]
    assert (table["iou"] == 1).all()
    assert (table["predicted_area"] == table["mask_area"]).all()
