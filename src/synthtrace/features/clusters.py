"""Clusters of pairs by KMeans on what a network makes of image and of mask (paper 2, section 2).

The paper's network is Inception v3, pretrained on ImageNet, which sees the masks as it sees the images. Any network will do
here; it is asked the same way. Each feature is standardised over the pairs, so that masks weigh as much as images do.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from synthtrace.errors import InputError
from synthtrace.params.pair_selection import Clusters
from synthtrace.seeds import Seeds

STARTS = 10  # of KMeans: the best of them counts
NAMED = 3  # images that a warning names


@dataclass(frozen=True)
class Clustering:
    """Clusters 0, 1, ... of `image_ids` (N,), the largest first, of one size the one whose first image comes first.

    `labels` (N,); `centroids` (K, D) of standardised features, which are features less `mean` (D,), over `scale` (D,);
    `warnings`: a sentence for each cluster that was merged with another.
    """

    image_ids: np.ndarray
    labels: np.ndarray
    centroids: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    warnings: list[str]

    @property
    def table(self) -> pd.DataFrame:
        """`image_id` and `cluster`, a row a pair in the given order."""
        return pd.DataFrame({"image_id": self.image_ids, "cluster": self.labels})

    def assign(self, features: np.ndarray) -> np.ndarray:
        """(M,) the cluster whose centroid is nearest, of other pairs' features (M, D); of equally near ones the first."""
        return _squared((features.astype(np.float64) - self.mean) / self.scale, self.centroids).argmin(axis=1)

    def report(self) -> dict[str, Any]:
        """Number and sizes of the clusters, and the warnings."""
        return {"clusters": len(self.centroids), "sizes": np.bincount(self.labels).tolist(), "warnings": self.warnings}


def see(images: np.ndarray, masks: np.ndarray, embed: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(N, 2 D) what `embed`, from uint8 (N, C, S, S) to (N, D), makes of images (N, C, S, S) and of masks (N, 1, S, S)."""
    seen = np.ascontiguousarray(np.broadcast_to(masks, images.shape))
    return np.concatenate([embed(images), embed(seen)], axis=1)


def cluster(
    features: np.ndarray, image_ids: pd.Series, settings: Clusters, seeds: Seeds, names: tuple[str | int, ...]
) -> Clustering:
    """Clusters of pairs by their `features` (N, D), rows of `image_ids`: a fold's training pairs and no others.

    `settings.count` are sought, by k-means++ from the stream `names`, on one thread: the clusters are those of any machine's
    number of cores. An empty one, or one of fewer than `min_size` pairs, merges with the nearest, the smallest first.

    Raises:
        InputError: there are fewer pairs than clusters.
    """
    if len(features) < settings.count:
        raise InputError(f"clusters.count: is {settings.count}, but there are {len(features)} training pairs; expected no more")
    raw = features.astype(np.float64)
    mean, spread = raw.mean(axis=0), raw.std(axis=0)
    scale = np.where(spread > 1e-9 * np.abs(mean).clip(1e-9), spread, 1.0)
    points = (raw - mean) / scale
    means = KMeans(settings.count, n_init=STARTS, random_state=seeds.integer("clusters", *names) % 2**32)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different pairs than clusters: told of below
        found = means.fit_predict(points)
    members = [np.flatnonzero(found == one) for one in range(settings.count)]
    said = [f"{empty} of {settings.count} clusters are empty" for empty in [sum(not len(one) for one in members)] if empty]
    members, merged = _merged(points, [one for one in members if len(one)], image_ids.to_numpy(dtype=object), settings.min_size)
    members.sort(key=lambda own: (-len(own), own[0]))
    labels = np.empty(len(points), dtype=np.int64)
    for number, own in enumerate(members):
        labels[own] = number
    centroids = np.stack([points[own].mean(axis=0) for own in members])
    return Clustering(image_ids.to_numpy(dtype=object), labels, centroids, mean, scale, said + merged)


def _merged(
    points: np.ndarray, members: list[np.ndarray], image_ids: np.ndarray, min_size: int
) -> tuple[list[np.ndarray], list[str]]:
    """Clusters of at least `min_size` members, as long as there is one to merge with, and a sentence a merger."""
    said = []
    while len(members) > 1:
        members = sorted(members, key=lambda own: (-len(own), own[0]))
        *others, least = members
        if len(least) >= min_size:
            break
        centroids = np.stack([points[own].mean(axis=0) for own in others])
        nearest = int(_squared(points[least].mean(axis=0)[None], centroids).argmin())
        names = ", ".join(image_ids[least[:NAMED]]) + (", ..." if len(least) > NAMED else "")
        said.append(
            f"a cluster of {len(least)} ({names}) has fewer than clusters.min_size, {min_size}, pairs: it is merged with the "
            f"nearest, of {len(others[nearest])}"
        )
        others[nearest] = np.sort(np.concatenate([others[nearest], least]))
        members = others
    return members, said


def _squared(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """(M, K) squared distances."""
    return np.stack([np.square(points - one).sum(axis=1) for one in centroids], axis=1)
