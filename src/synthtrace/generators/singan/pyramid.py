"""Pairs at several sides."""

import torch
from torch.nn.functional import interpolate


def resized(pairs: torch.Tensor, side: int) -> torch.Tensor:
    """Pairs (B, C + 1, S, S) at another side, by cubic interpolation, smoothed first where that is smaller."""
    if pairs.shape[-1] == side:
        return pairs
    return interpolate(pairs, size=(side, side), mode="bicubic", align_corners=False, antialias=True)


def pyramid(pair: torch.Tensor, sides: list[int]) -> list[torch.Tensor]:
    """A pair (C + 1, S, S) in [-1, 1] at every side, (1, C + 1, s, s) in [-1, 1] each; the mask is smoothed as the image is."""
    return [resized(pair[None], side).clamp(-1, 1) for side in sides]
