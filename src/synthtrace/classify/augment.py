"""The augmentation of classifiers: mirroring, which has two outcomes, so that both can be computed beforehand."""

import torch


def mirrored(count: int, noise: torch.Generator) -> torch.Tensor:
    """Which of `count` images are mirrored left to right (bool), each with probability 1/2."""
    return torch.rand(count, generator=noise) < 0.5


def flip(batch: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """Mirror each image (B, C, H, W) with probability 1/2."""
    chosen = mirrored(len(batch), noise).to(batch.device)
    return torch.where(chosen[:, None, None, None], batch.flip(-1), batch)
