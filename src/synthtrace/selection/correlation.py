"""How near two images are in pixels, whatever was done to one of them: mirrored, shifted, cropped, re-brightened, noised.

Images are compared on a 32 x 32 grid, lightly blurred against noise. The centre of the query (26 x 26) is looked for in the
reference: mirrored or not in both directions, at every place and at sides from 0.75 to 1.1 of its own; each channel's
mean is taken off and the window scaled to length 1, so that brightness and contrast do not count. The distance is 1 - the
greatest correlation, in [0, 2].
(Taking slow shading off as well was tried: it brought altered copies and other patients' images closer together.)

A coarse search over all references finds the few most alike (`coarse`), a fine one moves and scales the window in steps down
to 1/16 of a grid cell (`refine`).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

GRID = 32
WINDOW = 26
BLUR = 0.8  # deviation of the Gaussian, grid cells
EMPTY = 0.25  # a window whose grey levels deviate by less holds nothing to compare
SCALES = ((1.0, 3), (0.9, 3), (0.8, 4))  # side of the reference's window, and how many steps of that size it moves
ROUNDS = ((0.5, 0.05), (0.25, 0.025), (0.125, 0.0125), (0.0625, 0.00625))  # steps of place (cells) and scale
FINEST = (0.75, 1.1)  # scales that the fine search may reach
CHUNK = 16  # references at a time: bounds memory


@dataclass(frozen=True)
class Coarse:
    """For queries x references: the greatest coarse correlation, and the number of the transform that gave it."""

    correlation: torch.Tensor
    transform: torch.Tensor


def prepare(images: np.ndarray) -> torch.Tensor:
    """uint8 (N, C, H, W) to float32 (N, C, 32, 32): resized with antialiasing, then blurred."""
    small = torch.from_numpy(images).float()
    if small.shape[-2:] != (GRID, GRID):
        small = functional.interpolate(small, size=(GRID, GRID), mode="bilinear", antialias=True, align_corners=False)
    reach = math.ceil(3 * BLUR)
    kernel = torch.exp(-((torch.arange(-reach, reach + 1) / BLUR) ** 2) / 2)
    kernel = kernel / kernel.sum()
    channels = small.shape[1]
    padded = functional.pad(small, (reach,) * 4, mode="reflect")
    rows = functional.conv2d(padded, kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return functional.conv2d(rows, kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)


def _unit(windows: torch.Tensor) -> torch.Tensor:
    """Windows (..., C, h, w) as vectors (..., C h w), mean 0 in each channel and length 1.

    An empty window stays 0 and correlates with nothing.
    """
    level = (windows - windows.mean(dim=(-2, -1), keepdim=True)).flatten(-3)
    length = level.norm(dim=-1, keepdim=True)
    return torch.where(length > EMPTY * math.sqrt(level.shape[-1]), level / length.clamp_min(1e-12), 0.0)


def _mirrors(queries: torch.Tensor) -> list[torch.Tensor]:
    return [queries, queries.flip(-1), queries.flip(-2), queries.flip(-1, -2)]


def _centre(prepared: torch.Tensor) -> torch.Tensor:
    edge = (GRID - WINDOW) // 2
    return prepared[..., edge : edge + WINDOW, edge : edge + WINDOW]


def _transforms() -> torch.Tensor:
    """(T, 3): scale, then the window's place down and right in grid cells, in the order in which `_windows` makes them."""
    return torch.tensor(
        [
            (scale, scale * down, scale * right)
            for scale, reach in SCALES
            for down in range(-reach, reach + 1)
            for right in range(-reach, reach + 1)
        ]
    )


def _windows(references: torch.Tensor) -> torch.Tensor:
    """Every coarse window of every reference at half resolution, (N, T, C, 13, 13)."""
    found = []
    count, channels = references.shape[:2]
    for scale, reach in SCALES:
        side = WINDOW + 2 * reach
        transform = torch.tensor([[scale * side / GRID, 0.0, 0.0], [0.0, scale * side / GRID, 0.0]]).expand(count, 2, 3)
        grid = functional.affine_grid(transform, [count, channels, side, side], align_corners=False)
        seen = functional.grid_sample(references, grid, padding_mode="border", align_corners=False)
        windows = seen.unfold(2, WINDOW, 1).unfold(3, WINDOW, 1)[..., ::2, ::2]
        found.append(windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2))
    return torch.cat(found, dim=1)


def coarse(queries: torch.Tensor, references: torch.Tensor) -> Coarse:
    """Greatest coarse correlation of every prepared query with every prepared reference."""
    sought = torch.stack([_unit(_centre(mirror)[..., ::2, ::2]) for mirror in _mirrors(queries)])
    count = sought.shape[1]
    sought = sought.flatten(0, 1)
    best, which = [], []
    for chunk in references.split(CHUNK):
        windows = _unit(_windows(chunk))
        match = (sought @ windows.flatten(0, 1).T).view(len(_mirrors(queries)), count, len(chunk), -1)
        value, index = match.permute(1, 2, 0, 3).flatten(2).max(dim=2)
        best.append(value)
        which.append(index)
    return Coarse(torch.cat(best, dim=1), torch.cat(which, dim=1))


def refine(
    queries: torch.Tensor, references: torch.Tensor, rough: Coarse, query_index: torch.Tensor, reference_index: torch.Tensor
) -> torch.Tensor:
    """Distance (P,) of the P given pairs: the window found roughly is moved and scaled (both axes) while that helps."""
    if not len(query_index):
        return torch.empty(0)
    transforms = _transforms()
    number = rough.transform[query_index, reference_index]
    mirror, start = number // len(transforms), transforms[number % len(transforms)]
    sought = torch.stack([_unit(_centre(view)) for view in _mirrors(queries)])[mirror, query_index]
    distances = [
        _refine(wanted, references[index], first)
        for wanted, index, first in zip(sought.split(512), reference_index.split(512), start.split(512), strict=True)
    ]
    return torch.cat(distances)


def _refine(sought: torch.Tensor, references: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    pose = start[:, [0, 0, 1, 2]]  # scale down, scale right, place down, place right
    best = _match(sought, references, pose)
    for move, zoom in ROUNDS:
        for axis, step in ((2, move), (3, move), (0, zoom), (1, zoom), (2, move), (3, move)):
            for sign in (-1.0, 1.0):
                trial = pose.clone()
                trial[:, axis] += sign * step
                trial[:, :2] = trial[:, :2].clamp(*FINEST)
                value = _match(sought, references, trial)
                better = value > best
                pose = torch.where(better[:, None], trial, pose)
                best = torch.where(better, value, best)
    return (1 - best).clamp(0, 2)


def _match(sought: torch.Tensor, references: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
    transform = torch.zeros(len(pose), 2, 3)
    transform[:, 0, 0], transform[:, 1, 1] = pose[:, 1] * WINDOW / GRID, pose[:, 0] * WINDOW / GRID
    transform[:, 0, 2], transform[:, 1, 2] = pose[:, 3] * 2 / GRID, pose[:, 2] * 2 / GRID
    grid = functional.affine_grid(transform, [len(pose), references.shape[1], WINDOW, WINDOW], align_corners=False)
    seen = functional.grid_sample(references, grid, padding_mode="border", align_corners=False)
    return (sought * _unit(seen)).sum(dim=1)


def nearest(
    queries: torch.Tensor, references: torch.Tensor, rough: Coarse, allowed: torch.Tensor, few: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Index (N,) and distance (N,) of each query's nearest reference among those `allowed` (N, M).

    The `few` best of the coarse search are searched finely. Where nothing is allowed: index -1, distance NaN.
    """
    few = min(few, rough.correlation.shape[1])
    value, index = rough.correlation.masked_fill(~allowed, -torch.inf).topk(few, dim=1)
    row, place = torch.nonzero(value > -torch.inf, as_tuple=True)
    distance = torch.full(value.shape, torch.inf)
    distance[row, place] = refine(queries, references, rough, row, index[row, place])
    least, which = distance.min(dim=1)
    found = torch.where(torch.isfinite(least), index.gather(1, which[:, None])[:, 0], -1)
    return found.numpy(), torch.where(torch.isfinite(least), least, torch.nan).numpy().astype(np.float64)
