"""Which inpainted images are copies: by what was painted, since all around it is the source's by construction.

A reviewer would call a painted lesion a copy where it is the source's own again (paper 2, section 2: the model "will recognize
the polyp in its training set and return the original image") or the lesion of another training image, at its place, mirrored,
or of other size. So lesions are compared with lesions: of each image the square about its painted region, at the images' size.
What any filling has in common with its source, or one lesion with the next, must not count:

- Around the region nothing was painted. It is set to nothing, and nothing is compared with it.
- The surroundings dictate colour and shading; where painting was poor, a step is left at the seam (Figure 4); and many lesions
  are a bump in a like outline. So the region's own local mean is taken off, and with it whatever is as smooth.

What is left, the relief, is as alike or unlike as whole images are. `copies.CopyFinder` judges it in both of its ways, with
thresholds from the reliefs of the training images' own lesions: what lightly altered ones and those of other patients reach.
A filling without relief is no copy. A lesion of another image, cut by the outline that it is painted into, is found as far as
most of it is there.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional

from synthtrace.errors import InputError
from synthtrace.selection.copies import CopyFinder, Embed

SIDE = 64  # of the grid on which reliefs are computed
MARGIN = 1 / 16  # of the square's side, on each side of the region
SMOOTH = 0.14  # deviation of the Gaussian of the local mean, as a share of the square's side
GREY = 128


class FilledFinder:
    """Training images, where each would be painted, and what this says of nearness; `find` judges paintings by it.

    `images` uint8 (N, C, S, S); `fills` bool (N, 1, S, S), the dilated masks, those of images without lesion empty; `manifest`,
    `embed` and `copy_quantile` as for `CopyFinder`.

    Raises:
        InputError: no image has anything to paint.
    """

    def __init__(
        self, images: np.ndarray, fills: np.ndarray, manifest: pd.DataFrame, embed: Embed, copy_quantile: float
    ) -> None:
        painted = np.asarray(fills.any(axis=(1, 2, 3)))
        if not painted.any():
            raise InputError("training images: expected one or more with a lesion to paint anew, found none")
        self._fills = dict(zip(manifest["image_id"][painted], fills[painted], strict=True))
        self._finder = CopyFinder(
            reliefs(images[painted], fills[painted]), manifest.loc[painted].reset_index(drop=True), embed, copy_quantile
        )

    def find(self, images: np.ndarray, sources: pd.Series) -> pd.DataFrame:
        """What `CopyFinder.find` tells, of the lesions painted into images (M, C, S, S) whose `sources` (M,) are image ids.

        Raises:
            InputError: a source is no training image, or has no lesion.
        """
        for source in sources:
            if source not in self._fills:
                raise InputError(f"source {source!r} of an inpainted image: expected a training image with a lesion")
        return self._finder.find(reliefs(images, np.stack([self._fills[source] for source in sources])))

    def report(self) -> dict[str, Any]:
        """As `CopyFinder.report`."""
        return self._finder.report()


def reliefs(images: np.ndarray, fills: np.ndarray) -> np.ndarray:
    """Uint8 (N, C, S, S): how painted regions differ from their local means, about a grey of 128.

    `images` uint8 (N, C, S, S), `fills` bool (N, 1, S, S), none of them empty. The square about a region fills the result,
    which is grey outside the region.
    """
    side = images.shape[-1]
    found = torch.stack([_relief(image, fill[0]) for image, fill in zip(images, fills, strict=True)])
    grown = functional.interpolate(found, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    return (grown + GREY).round().clamp(0, 255).byte().numpy()


def _relief(image: np.ndarray, fill: np.ndarray) -> torch.Tensor:
    top, left, side = _square(fill)
    grid = min(SIDE, image.shape[-1])
    cut = torch.from_numpy(np.concatenate([image, fill[None]])[:, top : top + side, left : left + side].astype(np.float32))
    *channels, share = functional.adaptive_avg_pool2d(cut, grid).double().numpy()
    inside = share > 1 - 1e-6  # wholly painted
    near = _blurred(inside).clip(1e-9)
    relief = [np.where(inside, channel - _blurred(channel * inside) / near, 0.0) for channel in channels]
    return torch.from_numpy(np.stack(relief)).float()


def _blurred(values: np.ndarray) -> np.ndarray:
    return gaussian_filter(values.astype(np.float64), SMOOTH * len(values), mode="constant")


def _square(fill: np.ndarray) -> tuple[int, int, int]:
    """First row, first column and side of the square in the image about a region of (S, S), or the whole image."""
    size = len(fill)
    rows, columns = (np.flatnonzero(fill.any(axis=axis)) for axis in (1, 0))
    reach = int(max(np.ptp(rows), np.ptp(columns))) + 1
    side = min(reach + 2 * max(1, round(MARGIN * reach)), size)
    top, left = (min(max((one[0] + one[-1] + 1 - side) // 2, 0), size - side) for one in (rows, columns))
    return int(top), int(left), side
