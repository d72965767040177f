"""What recipes read: nested draws, whole groups, no variant of a pair that its generator was not to see."""

import itertools
from typing import Any

import numpy as np
import pytest
from toy_pairs import discs, settings, variants

from synthtrace.errors import InputError
from synthtrace.params.segmenter import Mixes
from synthtrace.seeds import Seeds
from synthtrace.segment.mixing import Plan, plan, why_skipped
from synthtrace.segment.pairs import SegmentationSet, first_variants, small_set, validation_groups
from synthtrace.segment.recipes import Recipe, recipes_of, reference_of

SEEDS = Seeds(3)
REAL = discs(20, "real", 0)
POOL = variants(REAL, 3)


def planned(recipe: Recipe, pool: SegmentationSet | None = POOL, seed: int = 0) -> Plan:
    return plan(recipe, REAL, pool, 0.2, SEEDS, seed)


def small(size: int, **fields: Any) -> Recipe:
    return Recipe("small", fields.pop("kind", "diff"), True, size=size, **fields)


def own_pool(size: int) -> SegmentationSet:
    return POOL.of_sources(set(small_set(REAL.image_ids, size, SEEDS)))


def test_a_larger_small_set_holds_the_smaller_one_whatever_the_order_of_the_pairs() -> None:
    sets = [small_set(REAL.image_ids, size, SEEDS) for size in (4, 8, 20)]
    assert [len(set(one)) for one in sets] == [4, 8, 20]
    assert sets[1][:4] == sets[0]
    assert sets[2][:8] == sets[1]
    assert small_set(REAL.image_ids[::-1], 4, SEEDS) == sets[0]
    assert small_set(REAL.image_ids, 4, Seeds(4)) != sets[0]


def test_two_variants_a_pair_hold_the_first_and_one_pool_order_is_as_good_as_another() -> None:
    one, two = (first_variants(POOL, multiple, SEEDS) for multiple in (1, 2))
    assert (len(one), len(two)) == (20, 40)
    assert set(one.image_ids) < set(two.image_ids)
    assert set(np.unique(two.source_ids, return_counts=True)[1]) == {2}
    shuffled = POOL.take(np.random.default_rng(0).permutation(len(POOL)))
    assert first_variants(shuffled, 2, SEEDS).image_ids == two.image_ids


@pytest.mark.parametrize("seed", range(5))
def test_groups_that_validate_are_whole_near_the_share_and_never_all(seed: int) -> None:
    groups = ["a"] * 7 + ["b"] * 3 + ["c"] * 2 + ["d"] * 8
    held = validation_groups(groups, 0.2, np.random.default_rng(seed))
    assert 0 < len(held) < 4
    assert len(validation_groups(REAL.groups, 0.2, np.random.default_rng(seed))) == 2
    assert len(validation_groups(["a", "b"], 0.99, np.random.default_rng(seed))) == 1
    with pytest.raises(InputError, match="one group 'a'"):
        validation_groups(["a", "a"], 0.2, np.random.default_rng(seed))


RECIPES = [
    (Recipe("full", "real", True), None, 16, 4),
    (Recipe("synthetic", "diff", True, multiple=1), POOL, 16, 4),
    (Recipe("synthetic", "diff", True, multiple=3), POOL, 48, 12),
    (Recipe("augment", "diff", False, alpha=0.5), POOL, 16 + 48, 4),
    (small(8, kind="real"), None, 6, 2),
    (small(8, multiple=2), own_pool(8), 6 + 12, 2),
    (small(8, multiple=2, saw_all=True), POOL, 6 + 12, 2),
]


@pytest.mark.parametrize(("recipe", "pool", "training", "validating"), RECIPES, ids=lambda value: getattr(value, "name", ""))
def test_sizes_are_those_of_the_tables_and_no_group_is_on_both_sides(
    recipe: Recipe, pool: SegmentationSet | None, training: int, validating: int
) -> None:
    made = planned(recipe, pool)
    if recipe.size:  # whose groups may hold one pair or two
        assert 0.6 * training <= len(made.training) <= 1.4 * training
    else:
        assert (len(made.training), len(made.validation)) == (training, validating)
    assert not set(made.training.groups) & set(made.validation.groups)
    real_validate = recipe.design != "synthetic"
    assert all((name in REAL.image_ids) == real_validate for name in made.validation.image_ids)


def test_recipes_of_one_seed_validate_on_the_same_groups_and_seeds_on_others() -> None:
    held = [set(planned(recipe, pool).validation.groups) for recipe, pool, *_ in RECIPES]
    assert held[0] == held[1] == held[2] == held[3]
    assert held[4] == held[5] == held[6]
    assert any(set(planned(RECIPES[0][0], None, seed).validation.groups) != held[0] for seed in range(1, 4))


def test_an_epoch_keeps_every_real_pair_and_adds_a_variant_of_its_own_to_half_of_them() -> None:
    made = planned(Recipe("augment", "diff", False, alpha=0.5))
    epochs = [made.epoch(np.random.default_rng(seed)) for seed in range(200)]
    for epoch in epochs:
        assert set(range(16)) <= set(epoch)
        added = [made.training.source_ids[position] for position in epoch if position >= 16]
        assert len(added) == len(set(added)), "one variant of a pair in an epoch at most"
        assert set(added) <= set(made.training.image_ids[:16])
    assert np.mean([len(epoch) - 16 for epoch in epochs]) == pytest.approx(8, abs=0.5)
    assert set(np.concatenate(epochs)) == set(range(len(made.training))), "every variant has its turn"


def test_batches_are_full_and_run_through_one_epoch_after_another() -> None:
    made = planned(Recipe("full", "real", True), None)
    batches = list(itertools.islice(made.batches(6, SEEDS, ("toy",)), 8))
    assert {len(batch) for batch in batches} == {6}
    assert np.bincount(np.concatenate(batches)).tolist() == [3] * 16


def test_a_variant_of_a_pair_that_the_generator_was_not_to_see_is_refused() -> None:
    with pytest.raises(InputError, match="none of the 8 real training pairs that its generator was to see"):
        planned(small(8, multiple=1))
    foreign = POOL + variants(discs(2, "test", 0), 1, "foreign")
    with pytest.raises(InputError, match="foreign000 was made from test000"):
        planned(Recipe("synthetic", "diff", True, multiple=1), foreign)


def skipped(recipe: Recipe, pool: SegmentationSet | None, real: SegmentationSet = REAL) -> str:
    return why_skipped(recipe, real, lambda _: pool, settings(), SEEDS) or "trained"


def test_what_the_pairs_cannot_fill_is_skipped_with_a_reason() -> None:
    assert skipped(small(20, multiple=3), POOL) == "trained"
    assert skipped(small(32, kind="real"), None) == "there are 20 real training pairs, fewer than 32"
    assert "more than 3 synthetic ones" in skipped(Recipe("synthetic", "diff", True, multiple=4), POOL)
    assert skipped(Recipe("augment", "diff", True, alpha=0.5), POOL.take([])) == "no synthetic pair of the pool diff was kept"


def test_a_mix_without_any_synthetic_pair_of_its_own_real_ones_is_skipped() -> None:
    chosen = set(small_set(REAL.image_ids, 8, SEEDS))
    others = POOL.of_sources(set(REAL.image_ids) - chosen)
    assert skipped(small(8, multiple=1, saw_all=True), others) == (
        "no synthetic pair of the pool diff was kept of those made from the 8 real ones"
    )
    assert skipped(small(8, multiple=1, saw_all=True), POOL) == "trained"


def test_a_mix_whose_synthetic_pairs_all_fall_to_validation_is_skipped_and_not_trained_as_real_ones() -> None:
    group = next(iter(planned(RECIPES[0][0], None).validation.groups))
    thin = POOL.take([position for position, own in enumerate(POOL.groups) if own == group])
    assert skipped(Recipe("augment", "diff", True, alpha=0.5), thin) == (
        "all synthetic pairs were made from real ones that validate in training 0"
    )
    assert skipped(Recipe("synthetic", "diff", True, multiple=1), thin).startswith("0 pairs to train and ")


def test_a_small_set_of_one_group_is_skipped_and_all_real_pairs_of_one_group_are_an_error() -> None:
    alone = REAL.take([position for position, group in enumerate(REAL.groups) if group == REAL.groups[0]])
    assert "of one group" in skipped(small(len(alone), kind="real"), None, alone)
    with pytest.raises(InputError, match="of one group"):
        skipped(Recipe("full", "real", True), None, alone)


def test_the_recipes_are_the_rows_of_tables_3_to_6() -> None:
    mixes = Mixes(
        multiples=[1, 2, 3],
        alpha=0.5,
        controls=[False, True],
        small_sets=[16, 32],
        small_multiples=[1, 2, 3],
        small_kinds=["styled_diff", "gan"],
    )
    recipes = recipes_of(mixes, ["diff", "gan"])
    assert len({recipe.name for recipe in recipes}) == len(recipes) == 2 + 2 * 3 + 2 * 2 + 2 * (1 + 2 * 2 * 3)
    assert sum(recipe.saw_all for recipe in recipes) == 2 * 2 * 3
    assert {reference_of(recipe) for recipe in recipes} < {*recipes, None}, "each row has its reference in the table"
    assert reference_of(small(16, multiple=2)) == small(16, kind="real")
