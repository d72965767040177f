"""What the in-domain extractor shall be blind to: mirroring, small shifts and crops, brightness, contrast, light noise."""

import torch
from torch.nn import functional

LEAST_SIDE = 0.8  # of a crop, as a share of the image's side
GAIN = 0.2  # contrast changes by up to this share
OFFSET = 20.0  # brightness changes by up to this many grey levels
NOISE = 6.0  # largest deviation of the noise, grey levels


def alter(images: torch.Tensor, generator: torch.Generator, least_noise: float = 0.0) -> torch.Tensor:
    """Randomly altered float images (N, C, H, W) in 0..255; all randomness comes from the CPU `generator`.

    Left and right are exchanged with probability 1/2; a crop of side 0.8 to 1 anywhere in the image is resized to the whole;
    gain within 20 %, offset within 20 grey levels, Gaussian noise of deviation `least_noise` to 6 grey
    levels; clipped to 0..255.
    """
    count, device = len(images), images.device
    draws = torch.rand(7, count, generator=generator).to(device)
    side = LEAST_SIDE + (1 - LEAST_SIDE) * draws[0]
    mirror = torch.where(draws[1] < 0.5, -1.0, 1.0)
    transform = torch.zeros(count, 2, 3, device=device)
    transform[:, 0, 0], transform[:, 1, 1] = side * mirror, side
    transform[:, 0, 2], transform[:, 1, 2] = (1 - side) * (2 * draws[2] - 1), (1 - side) * (2 * draws[3] - 1)
    grid = functional.affine_grid(transform, list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    gain, offset = 1 + GAIN * (2 * draws[4] - 1), OFFSET * (2 * draws[5] - 1)
    deviation = least_noise + (NOISE - least_noise) * draws[6]
    noise = torch.randn(images.shape, generator=generator).to(device)
    each = (slice(None), None, None, None)
    return (moved * gain[each] + offset[each] + noise * deviation[each]).clamp(0, 255)
