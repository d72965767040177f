"""Means of IoU and Dice with intervals: what the study might have said of other groups of test images (paper 2, Tables 3-6)."""

import numpy as np
import pandas as pd

from synthtrace.statistics.bootstrap import interval

SUMMARY = ["recipe", "metric", "mean", "lo", "hi", "seeds", "seed_std", "images", "groups"]
SUMMARY += ["reference", "difference", "difference_lo", "difference_hi"]


def draw_groups(groups: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """(resamples, groups) how often each group of test images is drawn in each bootstrap resample, with replacement."""
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=resamples)


def resampled_means(values: np.ndarray, groups: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(resamples,) mean over images of each resample, of values (n,) whose images are of groups (n,), columns of `counts`."""
    sums = np.bincount(groups, weights=values, minlength=counts.shape[1])
    sizes = np.bincount(groups, minlength=counts.shape[1])
    return (counts @ sums) / (counts @ sizes)


def summarise(
    scores: pd.DataFrame, metrics: list[str], resamples: int, rng: np.random.Generator, references: dict[str, str]
) -> pd.DataFrame:
    """A row a recipe and metric: mean over images and seeds, its 95 % interval, and the spread of seeds.

    An image's score is first averaged over seeds. Every recipe is scored on the same resamples of whole groups, so that its
    difference to the recipe that `references` names for it is of paired resamples.

    Args:
        scores: a row a recipe, seed and test image (columns recipe, seed, image_id, group_id and the metrics); every recipe and
            seed has the same images.
        metrics: the columns to average.
        resamples: of the bootstrap.
        rng: which groups are drawn.
        references: of a recipe, the one that it is compared with; recipes without one have no difference.

    Returns:
        recipe, metric, mean, lo, hi, seeds, seed_std (of the seeds' means, null of one seed), images, groups, reference,
        difference, difference_lo, difference_hi (recipe less reference).

    Raises:
        ValueError: recipes or seeds were scored on different images.
    """
    known = scores.drop_duplicates("image_id").sort_values("image_id")
    groups = np.unique(known["group_id"].to_numpy(dtype=str), return_inverse=True)[1].ravel()
    counts = draw_groups(int(groups.max()) + 1, resamples, rng)
    values = {str(recipe): _by_seed(own, known["image_id"], metrics) for recipe, own in scores.groupby("recipe", sort=False)}
    rows = []
    for recipe, own in values.items():
        reference = references.get(recipe)
        for number, metric in enumerate(metrics):
            means, by_seed = _of_images(own, number), own[:, :, number].mean(axis=1)
            row: dict[str, object] = {"recipe": recipe, "metric": metric, "mean": float(means.mean())}
            row["lo"], row["hi"] = interval(resampled_means(means, groups, counts))
            row |= {"seeds": len(own), "seed_std": float(by_seed.std(ddof=1)) if len(own) > 1 else None}
            row |= {"images": len(known), "groups": counts.shape[1], "reference": reference, "difference": None}
            if reference is not None:
                apart = means - _of_images(values[reference], number)
                row["difference"] = float(apart.mean())
                row["difference_lo"], row["difference_hi"] = interval(resampled_means(apart, groups, counts))
            rows.append(row)
    return pd.DataFrame(rows, columns=SUMMARY)


def _of_images(values: np.ndarray, number: int) -> np.ndarray:
    return values[:, :, number].mean(axis=0)


def _by_seed(scores: pd.DataFrame, image_ids: pd.Series, metrics: list[str]) -> np.ndarray:
    """(seeds, images, metrics) of one recipe, images in the order of `image_ids`."""
    seeds = []
    for seed, own in scores.sort_values("image_id").groupby("seed"):
        if own["image_id"].tolist() != image_ids.tolist():
            raise ValueError(f"{own['recipe'].iloc[0]}, seed {seed}: scored on other test images than other recipes or seeds")
        seeds.append(own[metrics].to_numpy(dtype=np.float64))
    return np.stack(seeds)
