"""The grid: recipes paired by seed, skipped ones with their reason, a card that names the patients behind synthetic pairs."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from toy_pairs import discs, settings, variants

from synthtrace.cards import read_card
from synthtrace.errors import InputError
from synthtrace.seeds import Seeds
from synthtrace.segment.grid import RECIPE, Cell, split_skipped, train_grid
from synthtrace.segment.kept import save_kept
from synthtrace.segment.pairs import SegmentationSet
from synthtrace.segment.recipes import Recipe

CPU = torch.device("cpu")
REAL, TEST = discs(12, "real", 0), discs(6, "test", 1)
POOL = variants(REAL, 2)
RECIPES = [
    Recipe("full", "real", True),
    Recipe("synthetic", "diff", True, multiple=2),
    Recipe("synthetic", "diff", True, multiple=3),
    Recipe("small", "real", True, size=16),
    Recipe("small", "diff", True, multiple=1, size=16),
]
FAST = settings(steps=2, evaluations=1)


def pool_of(recipe: Recipe) -> SegmentationSet | None:
    assert recipe.size is None, "no pool is asked for where there are too few real pairs"
    return None if recipe.kind == "real" else POOL


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    torch.set_num_threads(1)
    return list(train_grid(RECIPES[:2], REAL, pool_of, TEST, FAST, Seeds(3), CPU))


def test_what_cannot_be_trained_is_told_row_by_row() -> None:
    trainable, skipped = split_skipped(RECIPES, REAL, pool_of, FAST, Seeds(3))
    assert trainable == RECIPES[:2]
    assert skipped.columns.tolist() == [*RECIPE, "reason"]
    assert skipped["size"].tolist()[1:] == [16, 16]
    assert skipped["reason"].str.contains("fewer than").all()


def test_a_row_a_recipe_seed_and_test_pair(cells: list[Cell]) -> None:
    table = pd.concat([cell.scores for cell in cells])
    assert len(table) == 2 * 2 * 6
    assert table.columns.tolist()[:9] == [*RECIPE, "seed"]
    assert [cell.name for cell in cells[:2]] == ["full real control/seed0", "full real control/seed1"]
    assert not {image_id for cell in cells for image_id in cell.trained.seen} & set(TEST.image_ids)
    assert all(name.startswith("synthetic") for cell in cells[2:] for name in cell.trained.seen)


def test_a_recipe_does_not_depend_on_the_recipes_beside_it(cells: list[Cell]) -> None:
    alone = next(train_grid(RECIPES[1:2], REAL, pool_of, TEST, FAST, Seeds(3), CPU))
    pd.testing.assert_frame_equal(alone.scores, cells[2].scores)


def test_the_card_names_the_patients_behind_synthetic_pairs(cells: list[Cell], tmp_path: Path) -> None:
    manifest = pd.DataFrame({"image_id": REAL.image_ids, "patient_id": [f"P{group}" for group in REAL.groups]})
    sources = dict(zip(POOL.image_ids, POOL.source_ids, strict=True))
    save_kept(tmp_path, cells[2], sources, manifest, FAST, seed=3)
    card = read_card(tmp_path)
    assert card["image_ids"] == cells[2].trained.seen
    assert card["patient_ids"] == sorted({f"P{POOL.groups[POOL.image_ids.index(name)]}" for name in card["image_ids"]})
    assert list(card["weights"]) == ["model.safetensors"]


def test_images_that_the_network_cannot_take_are_told_before_any_training() -> None:
    cut = SegmentationSet(REAL.images[..., :24, :24], REAL.masks[..., :24, :24], REAL.image_ids, REAL.source_ids, REAL.groups)
    with pytest.raises(InputError, match="cannot take images of 24 x 24"):
        next(train_grid(RECIPES[:1], cut, pool_of, TEST, FAST, Seeds(3), CPU))
