"""The terms of the loss that guides style transfer (paper 2, Section 3.3), each one value an image (B,).

Content is held by `contrastive`, `perceptual` and `squared` to the pair [17, ZeCon]; style is brought by `squared` of tokens
and of pixels to the target, by `divergence` and by `out_of_range` [16, DiffuseIT].
"""

import torch
from torch.nn.functional import cross_entropy, normalize


def squared(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of images (B, C, S, S) or of tokens (B, D); 0 for equal ones."""
    return (first - second).square().flatten(1).mean(1)


def perceptual(first: list[torch.Tensor], second: list[torch.Tensor]) -> torch.Tensor:
    """Sum over feature maps (B, K, s, s) of their mean squared differences; 0 for equal ones."""
    return torch.stack([squared(one, other) for one, other in zip(first, second, strict=True)]).sum(0)


def contrastive(
    queries: list[torch.Tensor], keys: list[torch.Tensor], places: list[torch.Tensor], temperature: float
) -> torch.Tensor:
    """Sum over feature maps (B, K, h, w) of InfoNCE between patches (Park et al. 2020; ZeCon).

    `places` (B, P) are positions in 0 .. h w - 1, a tensor a map. A patch of the queries is to be more alike (in the cosine) to
    the keys' patch at its place than to those at the image's other places: log P where all patches are equal,
    log(1 + (P - 1) exp(-1 / temperature)), nearly 0, where equal maps have orthogonal patches.
    """
    total = torch.zeros(len(queries[0]), device=queries[0].device)
    for query, key, place in zip(queries, keys, places, strict=True):
        logits = _patches(query, place) @ _patches(key, place).transpose(1, 2) / temperature
        positive = torch.arange(place.shape[1], device=place.device).expand(len(place), -1)
        total = total + cross_entropy(logits.transpose(1, 2), positive, reduction="none").mean(1)
    return total


def _patches(features: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """(B, K, h, w) at places (B, P) to unit vectors (B, P, K)."""
    vectors = features.flatten(2).transpose(1, 2)
    return normalize(vectors.gather(1, place.unsqueeze(2).expand(-1, -1, vectors.shape[2])), dim=2)


def divergence(tokens: torch.Tensor, previous: torch.Tensor) -> torch.Tensor:
    """Minus the mean squared difference of tokens (B, D) to those of the step before: at most 0, and 0 for equal ones."""
    return -squared(tokens, previous)


def out_of_range(images: torch.Tensor) -> torch.Tensor:
    """Mean squared distance of values to [-1, 1]; 0 for images within."""
    return squared(images, images.clamp(-1, 1))
