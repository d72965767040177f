"""How unlike the real training masks a mask is, in area and shape.

A mask is a point: its descriptors, each over its deviation among the real masks. Its distance is that to the nearest real
mask. It is unlike all of them when farther off than real masks are from their nearest other one, all but the share
`mask_quantile` of these. By this rule (conformal prediction, with the distance to the nearest neighbour as nonconformity) some
`mask_quantile` of further real masks, and about one in N of them at least, would be taken for unlike.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from skimage.measure import euler_number, label, regionprops

from synthtrace.errors import InputError

# deviations are no smaller: among masks of one piece each, a second piece is not infinitely far off
LEAST = {"area": 0.25, "components": 0.25, "holes": 0.25, "solidity": 0.03, "elongation": 0.05, "border": 0.03}


def describe(masks: np.ndarray) -> pd.DataFrame:
    """Descriptors of uint8 masks (N, 1, S, S), a row a mask; NaN for an empty one.

    `area`: log odds of the share of pixels; `components`, `holes`: log of 1 and their number (8-connected); `solidity`: area
    over that of the convex hull; `elongation`: 1 less the minor over the major axis of the ellipse with the same moments;
    `border`: share of the image's outermost pixels that are lesion. All of the mask as a whole, `skimage.measure`.
    """
    return pd.DataFrame([_described(mask[0] > 0) for mask in masks], columns=list(LEAST))


def _described(mask: np.ndarray) -> dict[str, float]:
    if not mask.any():
        return dict.fromkeys(LEAST, np.nan)
    (region,) = regionprops(mask.astype(np.uint8))
    pieces = int(label(mask, connectivity=2).max())
    covered, free = int(mask.sum()), int((~mask).sum())
    edge = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    major = region.axis_major_length
    return {
        "area": float(np.log((covered + 0.5) / (free + 0.5))),
        "components": float(np.log1p(pieces)),
        "holes": float(np.log1p(pieces - euler_number(mask, connectivity=2))),
        "solidity": float(region.solidity),
        "elongation": float(1 - region.axis_minor_length / major) if major else 0.0,
        "border": float(edge.mean()),
    }


@dataclass(frozen=True)
class MaskShapes:
    """What the real training masks look like: their points (N, 6), whose they are, and beyond which distance none is alike."""

    points: np.ndarray
    deviation: np.ndarray
    image_ids: np.ndarray
    threshold: float
    own: np.ndarray

    @classmethod
    def of(cls, masks: np.ndarray, image_ids: pd.Series, mask_quantile: float) -> "MaskShapes":
        """Learnt from uint8 masks (N, 1, S, S), rows of `image_ids`; empty ones are left out.

        Raises:
            InputError: fewer than two masks show a lesion.
        """
        described = describe(masks).to_numpy()
        there = np.isfinite(described[:, 0])
        if there.sum() < 2:
            raise InputError(f"training masks: expected two or more that are not empty, found {int(there.sum())}")
        deviation = np.maximum(described[there].std(axis=0), list(LEAST.values()))
        points = described[there] / deviation
        apart = _distances(points, points)
        np.fill_diagonal(apart, np.inf)
        own = apart.min(axis=1)
        threshold = float(np.quantile(own, 1 - mask_quantile))
        return cls(points, deviation, image_ids.to_numpy(dtype=object)[there], threshold, own)

    def judge(self, masks: np.ndarray) -> pd.DataFrame:
        """A row a mask of uint8 (M, 1, S, S).

        `mask_area` (share of pixels), `empty`, `nearest_mask_id` and `mask_distance` (deviations; None and NaN for an empty
        mask), and `mask_unlike`, which no empty mask is.
        """
        described = describe(masks).to_numpy()
        there = np.isfinite(described[:, 0])
        nearest, distance = np.full(len(masks), None, dtype=object), np.full(len(masks), np.nan)
        if there.any():
            apart = _distances(described[there] / self.deviation, self.points)
            nearest[there], distance[there] = self.image_ids[apart.argmin(axis=1)], apart.min(axis=1)
        return pd.DataFrame(
            {
                "mask_area": (masks > 0).mean(axis=(1, 2, 3)),
                "empty": ~there,
                "nearest_mask_id": nearest,
                "mask_distance": distance,
                "mask_unlike": distance > self.threshold,
            }
        )

    def report(self) -> dict[str, Any]:
        """The threshold, deviations by descriptor, and how many real masks there are and lie beyond the threshold."""
        return {
            "threshold": self.threshold,
            "deviations": dict(zip(LEAST, self.deviation.tolist(), strict=True)),
            "real": len(self.own),
            "real_beyond": int((self.own > self.threshold).sum()),
        }


def _distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(M, N) Euclidean distances."""
    return np.sqrt(np.square(points[:, None] - others).sum(axis=2))
