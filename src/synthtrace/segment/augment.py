"""The standard augmentation of images and masks, which paper 2 calls "control".

The paper names the transforms (section 3.5) and no ranges. Ranges and probabilities are those of the published code of its
reference 20 (DivergentNets), whose segmentation model it takes over: horizontal flip; ShiftScaleRotate with scales from 0.5
to 1.5, shifts up to 0.1 of the side, no rotation and a black border; and for nine images of ten one of CLAHE, brightness and
gamma, in the ranges that are Albumentations' defaults.
"""

import numpy as np
import torch
from skimage.exposure import equalize_adapthist
from torch.nn import functional

SCALE, SHIFT = 0.5, 0.1
TONED, BRIGHTNESS, GAMMA, CLIP = 0.9, 0.2, 0.2, (1.0, 4.0)


def control(images: torch.Tensor, masks: torch.Tensor, noise: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Images float (B, C, S, S) in 0..255 and their masks float (B, 1, S, S) of 0 and 1, moved alike; tones change in images.

    `noise` is on the CPU: the draws are the same on every device. Masks stay 0 and 1.
    """
    moved, masks = _moved(images, masks, noise)
    return _toned(moved, noise), masks


def _moved(images: torch.Tensor, masks: torch.Tensor, noise: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Flipped, scaled and shifted by one grid; bilinear for images, the nearest pixel for masks, black beyond the border."""
    flipped, scale, right, down = torch.rand(4, len(images), generator=noise)
    size = 1 + SCALE * (2 * scale - 1)
    where = torch.zeros(len(images), 2, 3)
    where[:, 0, 0] = torch.where(flipped < 0.5, -1.0, 1.0) / size
    where[:, 1, 1] = 1 / size
    # the side is 2 long in the grid's coordinates
    where[:, :, 2] = 2 * SHIFT * (2 * torch.stack([right, down], dim=1) - 1)
    grid = functional.affine_grid(where.to(images.device), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return moved, functional.grid_sample(masks, grid, mode="nearest", padding_mode="zeros", align_corners=False)


def _toned(images: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """One of CLAHE, brightness and gamma for each image of TONED."""
    on, which, strength = torch.rand(3, len(images), generator=noise)
    choice = torch.where(on < TONED, (3 * which).long(), torch.tensor(3))
    signed = (2 * strength - 1).to(images.device)[:, None, None, None]
    pick = choice.to(images.device)[:, None, None, None]
    images = torch.where(pick == 0, (images + 255 * BRIGHTNESS * signed).clamp(0, 255), images)
    images = torch.where(pick == 1, 255 * (images / 255).clamp(0, 1) ** (1 + GAMMA * signed), images)
    for position in torch.nonzero(choice == 2)[:, 0].tolist():
        images[position] = equalised(images[position], CLIP[0] + (CLIP[1] - CLIP[0]) * strength[position].item())
    return images


def equalised(image: torch.Tensor, clip: float) -> torch.Tensor:
    """CLAHE of an image (C, S, S) in 0..255 in 8 x 8 tiles; `clip` in multiples of a histogram's even height, as in OpenCV.

    Colour images are equalised in their value (HSV).
    """
    if image.amax() == image.amin():
        return image  # there is no contrast to equalise
    pixels = (image / 255).clamp(0, 1).permute(1, 2, 0).cpu().numpy().astype(np.float64)
    grey = pixels.shape[2] == 1
    even = equalize_adapthist(pixels[..., 0] if grey else pixels, clip_limit=clip / 256)
    return 255 * torch.from_numpy(even[..., None] if grey else even).permute(2, 0, 1).to(image)
