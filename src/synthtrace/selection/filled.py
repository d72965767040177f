"""Which inpainted images are copies: by what was painted, since all around it is the source's by construction.

A reviewer would call a painted lesion a copy where it is the source's own again (paper 2, section 2: the model "will recognize
the polyp in its training set and return the original image") or the lesion of another training image, at its place, mirrored,
or of other size. So lesions are compared with lesions: of each image the square about its painted region, at the images' size.
What any filling has in common with its source must not count:

- Around the region nothing was painted. It is set to nothing.
- What surrounds it dictates colour and shading, and where painting was poor a step is left at the seam (Figure 4). So the
  harmonic interpolation from the region's outermost pixels, the smoothest filling with that rim, is taken off.
- What remains may still be a mere bump, brighter or darker than all around, which two lesions of one outline share. Its part
  along the region's own bump (the solution of Poisson's equation with a constant source, 0 at the rim) is taken off.

What is left, the relief, is as alike or unlike as whole images are, and `copies.CopyFinder` judges it in both of its ways, with
thresholds from the reliefs of the training images' own lesions: what nearness lightly altered ones and those of other patients
reach. A filling without relief is no copy.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from scipy.ndimage import binary_erosion
from scipy.sparse.linalg import splu
from torch.nn import functional

from synthtrace.errors import InputError
from synthtrace.selection.copies import CopyFinder, Embed

SIDE = 64  # of the grid on which reliefs are computed
MARGIN = 1 / 16  # of the square's side, on each side of the region
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
        painted = fills.any(axis=(1, 2, 3))
        if not painted.any():
            raise InputError("training images: expected one or more with a lesion to paint anew, found none")
        self._fills = dict(zip(manifest["image_id"][painted], fills[painted], strict=True))
        self._finder = CopyFinder(
            reliefs(images[painted], fills[painted]), manifest[painted].reset_index(drop=True), embed, copy_quantile
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
    """Uint8 (N, C, S, S): what is in the painted regions beyond what their rims dictate, on a grey of 128.

    `images` uint8 (N, C, S, S), `fills` bool (N, 1, S, S), none of them empty. The square about a region fills the result.
    """
    side = images.shape[-1]
    found = torch.stack([_relief(image, fill[0]) for image, fill in zip(images, fills, strict=True)])
    grown = functional.interpolate(found, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    return (grown + GREY).round().clamp(0, 255).byte().numpy()


def _relief(image: np.ndarray, fill: np.ndarray) -> torch.Tensor:
    top, left, side = _square(fill)
    grid = min(SIDE, image.shape[-1])
    cut = torch.from_numpy(np.concatenate([image, fill[None]])[:, top : top + side, left : left + side].astype(np.float32))
    small = functional.adaptive_avg_pool2d(cut, grid).double().numpy()
    inside = binary_erosion(small[-1] > 1 - 1e-6, border_value=1)  # of what is wholly painted, all but its rim
    relief = np.zeros((len(image), grid, grid))
    if inside.any():
        relief[:, inside] = _beyond_rim(small[:-1], inside)
    return torch.from_numpy(relief).float()


def _square(fill: np.ndarray) -> tuple[int, int, int]:
    """First row, first column and side of the square in the image about a region of (S, S), or the whole image."""
    size = len(fill)
    rows, columns = (np.flatnonzero(fill.any(axis=axis)) for axis in (1, 0))
    reach = max(np.ptp(rows), np.ptp(columns)) + 1
    side = min(reach + 2 * max(1, round(MARGIN * reach)), size)
    top, left = (min(max((one[0] + one[-1] + 1 - side) // 2, 0), size - side) for one in (rows, columns))
    return int(top), int(left), int(side)


def _beyond_rim(image: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(C, n) values of the n pixels inside, less the harmonic interpolation from those about them and their part of a bump.

    At the image's edge the region is open: no value is dictated there. The whole image is taken against its mean.
    """
    values = image[:, inside]
    if inside.all():
        return values - values.mean(axis=1, keepdims=True)
    number = np.full(inside.shape, -1)
    number[inside] = np.arange(inside.sum())
    at, towards, dictated, degree = [], [], np.zeros(values.shape), np.zeros(values.shape[1])
    for axis, step in ((0, -1), (0, 1), (1, -1), (1, 1)):
        there = np.roll(number, step, axis=axis)
        value = np.roll(image, step, axis=axis + 1)
        exists = np.ones(inside.shape, dtype=bool)
        exists[(slice(None),) * axis + (0 if step == 1 else -1,)] = False
        own, other = number[inside & exists], there[inside & exists]
        degree[own] += 1
        at.append(own[other >= 0])
        towards.append(other[other >= 0])
        dictated[:, own[other < 0]] += value[:, inside & exists][:, other < 0]
    links = sparse.coo_matrix(
        (np.ones(sum(map(len, at))), (np.concatenate(at), np.concatenate(towards))), shape=[len(degree)] * 2
    )
    solver = splu((sparse.diags(degree) - links).tocsc())
    bump = solver.solve(np.ones(len(degree)))
    relief = values - solver.solve(np.ascontiguousarray(dictated.T)).T
    return relief - np.outer(relief @ bump / (bump @ bump), bump)
