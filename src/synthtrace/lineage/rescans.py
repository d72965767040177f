"""Images of two patients that show the same thing: one frame under two names, however lightly it was altered.

Distances are those of `selection.correlation`: 1 - the greatest correlation of two images on a 32 x 32 grid, blind to
mirroring, shifts, crops down to 0.75 of the side, brightness and contrast. They are taken in both directions, because either
image may be a crop of the other.

The threshold is a sixth of the median distance between an image and its third nearest patient, and 0.02 at most. It follows
from the study's own images, and planted copies hardly move it: neither the nearest patient counts, who may be a copy, nor the
second. What it was settled on: frames of the fatty-liver set (55 patients), the default phantom (40 patients), and the breast
images of BUSI, which gives groups of near duplicates instead of patients:

                              fatty liver    phantom    breast
    threshold                       0.016      0.020     0.020
    nearest two patients            0.032      0.073     0.027
    images that `features.augment.alter` left within it
                                    100 %      100 %      99 %

No two patients of these sets are found, but three pairs of breast images that are plainly one image each (0.0006 to 0.0114)
and stand in two groups. Of single alterations of a fatty-liver and of a phantom frame, at native spacing, it finds:

- all: noise of deviation 40, mirrored, upside down, shifted by a tenth, cropped to 0.9 of the side, half and one and a half
  times the contrast, gamma 0.7, JPEG of quality 20, blur of 4 pixels, turned by 2 degrees;
- 94 % and more: cropped to 0.8 (phantom 96 %), gamma 1.5 (fatty liver 94 %);
- 60 % and more: turned by 5 degrees;
- few or none: cropped to 0.7 and less (38 % and 0 %), turned by 10 degrees and more, inverted, a white box over a tenth of the
  side (about 10 %).

Another frame of one sweep is found as well: 99 % of the fatty-liver frames are nearer than this to another of their patient's.
Images of many thousand patients were not at hand: there two of them may come as near, so look at the pair that is named.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from synthtrace import compute
from synthtrace.features.augment import alter
from synthtrace.selection import correlation
from synthtrace.stage import progress

THIRD = 2  # position of the third nearest patient
SHARE = 6  # the threshold is this part of the median distance to it ...
MOST = 0.02  # ... and never more: lightly altered images hardly go further
BLOCK = 256  # queries at a time: bounds memory
SAMPLE = 100  # images that are altered to see what the search catches


@dataclass(frozen=True)
class Found:
    """What the search says.

    `pairs`: one row a pair of images within the threshold, nearest first: `one`, `other` (positions), `distance`.
    `typical`: median distance to the third nearest patient. `closest`: the least distance beyond the threshold between images
    that were compared, `closest_pair` their positions (NaN, -1 and -1 where there is none). `caught`: share of lightly altered
    images within the threshold.
    """

    threshold: float
    typical: float
    pairs: pd.DataFrame
    closest: float
    closest_pair: tuple[int, int]
    caught: float


def search(images: np.ndarray, patients: np.ndarray, compared: np.ndarray) -> Found | None:
    """Look for images of two patients that are nearly the same.

    Args:
        images: uint8 (N, C, H, W).
        patients: (N,) whose images they are; images of one patient are never a pair.
        compared: bool (N, N), symmetric: pairs that matter.

    Returns:
        None where there are no two patients to compare.
    """
    prepared = correlation.prepare(images)
    other = patients[:, None] != patients[None, :]
    if not (other & compared).any():
        return None
    typical, nearest = [], []
    for start in progress(range(0, len(images), BLOCK), "near-identical images", unit="block"):
        rows = slice(start, start + BLOCK)
        rough = correlation.coarse(prepared[rows], prepared)
        typical.append(_third_nearest(1 - rough.correlation.numpy(), patients, other[rows]))
        index, distance = correlation.nearest(prepared[rows], prepared, rough, torch.from_numpy((other & compared)[rows]))
        nearest.append(pd.DataFrame({"one": np.arange(start, start + len(index)), "other": index, "distance": distance}))
    scale = float(np.median(np.concatenate(typical)))
    threshold = min(scale / SHARE, MOST)
    table = pd.concat(nearest, ignore_index=True).dropna().sort_values("distance", ignore_index=True)
    apart = table[table["distance"] > threshold]
    closest = apart.iloc[0] if len(apart) else {"distance": np.nan, "one": -1, "other": -1}
    return Found(
        threshold=threshold,
        typical=scale,
        pairs=table[table["distance"] <= threshold],
        closest=float(closest["distance"]),
        closest_pair=(int(closest["one"]), int(closest["other"])),
        caught=float(np.mean(altered_distances(images) <= threshold)),
    )


def _third_nearest(distance: np.ndarray, patients: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Each row's distance to its third nearest other patient (the farthest where there are fewer)."""
    order = np.argsort(patients, kind="stable")
    starts = np.flatnonzero(np.r_[True, patients[order][1:] != patients[order][:-1]])
    allowed = np.where(other, distance, np.inf)
    nearest = np.sort(np.minimum.reduceat(allowed[:, order], starts, axis=1), axis=1)
    return nearest[:, min(THIRD, len(starts) - 2)]


def altered_distances(images: np.ndarray) -> np.ndarray:
    """How far up to SAMPLE images, evenly taken, are from themselves once they are lightly altered, always in the same way."""
    some = images[np.unique(np.linspace(0, len(images) - 1, SAMPLE).astype(int))]
    altered = alter(torch.from_numpy(some).float(), compute.generator(0)).round().to(torch.uint8).numpy()
    before, after = correlation.prepare(some), correlation.prepare(altered)
    own = torch.arange(len(some))
    there = correlation.refine(after, before, correlation.coarse(after, before), own, own)
    back = correlation.refine(before, after, correlation.coarse(before, after), own, own)
    return torch.minimum(there, back).numpy()
