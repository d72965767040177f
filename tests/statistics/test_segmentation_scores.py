"""Means of segmentation scores: known answers, whole groups, paired differences."""

import numpy as np
import pandas as pd
import pytest

from synthtrace.statistics.segmentation import resampled_means, summarise

METRICS = ["iou"]


def scores(shift: dict[str, float], groups: int = 40, noise: float = 0.0) -> pd.DataFrame:
    """Three images a group, which have their group's score; two seeds; a shift a recipe."""
    rng = np.random.default_rng(0)
    of_group = rng.uniform(0.3, 0.7, groups)
    return pd.DataFrame(
        [
            {
                "recipe": recipe,
                "seed": seed,
                "image_id": f"i{group:02d}{image}",
                "group_id": f"g{group}",
                "iou": of_group[group] + by + noise * rng.normal(),
            }
            for recipe, by in shift.items()
            for seed in range(2)
            for group in range(groups)
            for image in range(3)
        ]
    )


def test_a_resample_is_the_mean_over_the_images_of_the_groups_that_it_draws() -> None:
    values, groups = np.array([1.0, 0.0, 0.0, 1.0]), np.array([0, 1, 1, 1])
    means = resampled_means(values, groups, np.array([[1, 1], [2, 0], [0, 2], [3, 1]]))
    assert means.tolist() == pytest.approx([2 / 4, 1, 1 / 3, 4 / 6])


def test_the_interval_is_as_wide_as_that_of_groups_and_not_of_images() -> None:
    table = scores({"real": 0.0})
    (row,) = summarise(table, METRICS, 2000, np.random.default_rng(1), {}).to_dict("records")
    by_group = table.groupby("group_id")["iou"].mean()
    assert row["mean"] == pytest.approx(by_group.mean())
    expected = 2 * 1.96 * by_group.std(ddof=0) / np.sqrt(40)
    assert row["hi"] - row["lo"] == pytest.approx(expected, rel=0.08)
    assert (row["seeds"], row["images"], row["groups"]) == (2, 120, 40)
    assert row["seed_std"] == pytest.approx(0)


def test_differences_are_paired_and_a_shift_common_to_all_groups_is_certain() -> None:
    table = summarise(scores({"real": 0.0, "diff": 0.1}), METRICS, 500, np.random.default_rng(1), {"diff": "real"}).set_index(
        "recipe"
    )
    assert table.loc["diff", ["difference", "difference_lo", "difference_hi"]].tolist() == pytest.approx([0.1] * 3)
    assert table.loc["real", ["reference", "difference", "difference_lo"]].isna().all()
    assert table.loc["diff", "hi"] - table.loc["diff", "lo"] > 0.02


def test_a_recipe_is_the_same_whatever_stands_beside_it_and_missing_images_are_refused() -> None:
    both = scores({"real": 0.0, "diff": 0.1}, noise=0.05)
    alone = summarise(both[both["recipe"] == "diff"], METRICS, 300, np.random.default_rng(1), {})
    beside = summarise(both, METRICS, 300, np.random.default_rng(1), {})
    pd.testing.assert_frame_equal(alone, beside[beside["recipe"] == "diff"].reset_index(drop=True))
    with pytest.raises(ValueError, match="real, seed 0: scored on other test images"):
        summarise(both[1:], METRICS, 300, np.random.default_rng(1), {})
