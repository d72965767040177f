"""Image and mask as one stack of channels, and back."""

import numpy as np
import torch

from synthtrace.errors import InputError


def joined(images: np.ndarray, masks: np.ndarray) -> torch.Tensor:
    """Pairs float (N, C+1, S, S) in [-1, 1], mask last, of uint8 images (N, C, S, S) and masks (N, 1, S, S) of 0 and 255.

    Raises InputError when they do not fit together or a mask holds other values.
    """
    if images.dtype != np.uint8 or masks.dtype != np.uint8 or masks.shape != (len(images), 1, *images.shape[2:]):
        raise InputError(
            f"pairs: expected uint8 images (N, C, S, S) and masks (N, 1, S, S), found {images.dtype} {images.shape} and "
            f"{masks.dtype} {masks.shape}"
        )
    if other := sorted(set(np.unique(masks).tolist()) - {0, 255}):
        raise InputError(f"pairs: a mask holds {other[0]}; expected 0 (background) and 255 (lesion) only")
    return torch.from_numpy(np.concatenate([images, masks], axis=1)).float() / 127.5 - 1


def parted(pairs: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, C, S, S) and masks uint8 (N, 1, S, S), 255 where above 0, of pairs (N, C+1, S, S) in [-1, 1]."""
    images = ((pairs[:, :-1].clamp(-1, 1) + 1) * 127.5).round().byte().cpu().numpy()
    masks = (pairs[:, -1:] > 0).byte().mul(255).cpu().numpy()
    return images, masks
