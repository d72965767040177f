"""The augmentation of classifiers on the fly: none, mirroring, or all that paper 4 names.

Mirroring alone has two outcomes, so that both can be computed beforehand (`classify.trunk`).
"""

import math

import torch
from torch.nn import functional

from synthtrace.backbones import Augment
from synthtrace.params import Augmentation

# largest relative change of brightness, contrast and saturation
JITTER = 0.2
# of red, green and blue in a grey level (ITU-R BT.601, as in torchvision)
GREY = (0.299, 0.587, 0.114)


def mirrored(count: int, noise: torch.Generator) -> torch.Tensor:
    """Which of `count` images are mirrored left to right (bool), each with probability 1/2."""
    return torch.rand(count, generator=noise) < 0.5


def flip(batch: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """Mirror each image (B, C, H, W) with probability 1/2."""
    chosen = mirrored(len(batch), noise).to(batch.device)
    return torch.where(chosen[:, None, None, None], batch.flip(-1), batch)


def full(batch: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """Both flips, rotation and colour jitter of float images (B, C, S, S) in 0..255, as paper 4 names them (no ranges there).

    Each flip has probability 1/2, torchvision's default. Half of the images are turned by a multiple of 90 degrees and lose
    nothing, the others by any angle, bilinear, corners being filled by reflection: with any angle for all, no training image
    would be as sharp as those to predict. Brightness, contrast and saturation are then multiplied by factors from 0.8 to 1.2,
    as torchvision's ColorJitter(0.2, 0.2, 0.2) has them (its own defaults are 0; hue stays), each clipped to 0..255; grey
    images have no saturation.
    """
    draws = torch.rand(7, len(batch), generator=noise)
    sign = 1 - 2 * (draws[:2] < 0.5).float()
    turns = torch.where(draws[2] < 0.5, (4 * draws[3]).floor() / 4, draws[3])
    moved = _moved(batch, sign[0], sign[1], 2 * math.pi * turns)
    brightness, contrast, saturation = (1 + JITTER * (2 * draws[4:] - 1)).to(batch.device)[:, :, None, None, None]
    bright = (moved * brightness).clamp(0, 255)
    mean = _grey(bright).mean(dim=(1, 2, 3), keepdim=True)
    contrasted = torch.lerp(mean, bright, contrast).clamp(0, 255)
    if batch.shape[1] == 1:
        return contrasted
    return torch.lerp(_grey(contrasted), contrasted, saturation).clamp(0, 255)


AUGMENTATIONS: dict[Augmentation, Augment | None] = {"none": None, "flip": flip, "full": full}


def _moved(batch: torch.Tensor, across: torch.Tensor, down: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Images whose axes are turned around by signs -1 (B,), and that are then rotated by angles in radians (B,)."""
    cosine, sine = angles.cos(), angles.sin()
    transform = torch.zeros(len(batch), 2, 3)
    transform[:, 0, 0], transform[:, 0, 1] = across * cosine, -across * sine
    transform[:, 1, 0], transform[:, 1, 1] = down * sine, down * cosine
    grid = functional.affine_grid(transform.to(batch.device), list(batch.shape), align_corners=False)
    return functional.grid_sample(batch, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _grey(batch: torch.Tensor) -> torch.Tensor:
    """Grey levels (B, 1, H, W)."""
    if batch.shape[1] == 1:
        return batch
    return (batch * torch.tensor(GREY, device=batch.device)[:, None, None]).sum(dim=1, keepdim=True)
