"""Adaptive discriminator augmentation (Karras et al. 2020b): what the discriminator sees is augmented, as much as it overfits.

Of the paper's pipeline (appendix B) these stand here: flips, quarter turns, integer translation, isotropic scaling, brightness,
contrast, and for colour images hue and saturation. Each can be undone and none is the same for all images, so that their
distributions do not leak into the generator.
"""

import math

import torch
from torch.nn import functional

# deviations of the logarithms to base 2 of scale, contrast and saturation, and of the brightness; largest shift, of the side
SCALE, CONTRAST, SATURATION, BRIGHTNESS, SHIFT = 0.2, 0.5, 1.0, 0.2, 0.125
# above, augmentations leak (Karras et al. 2020b, section 2.2)
STRONGEST = 0.8
# batches between two steps of the probability
INTERVAL = 4


class AdaptiveProbability:
    """The probability of each augmentation, steered by the share of real images that the discriminator calls real.

    `sign` is r_t = E[sign(D(real))] of the last INTERVAL batches (Karras et al. 2020b, Eq. 1): above `target`, overfitting, the
    probability rises, below it falls, at a speed that takes it from 0 to 1 in `images` images; it stays within [0, STRONGEST].
    """

    def __init__(self, target: float, images: int) -> None:
        self.target, self.images = target, images
        self.value, self.sign = 0.0, 0.0
        self._signs: list[torch.Tensor] = []

    def see(self, logits: torch.Tensor) -> None:
        """Take the discriminator's logits (B,) of a batch of real images."""
        self._signs.append(logits.detach().sign())
        if len(self._signs) < INTERVAL:
            return
        signs = torch.cat(self._signs)
        self._signs = []
        self.sign = signs.mean().item()
        step = math.copysign(len(signs) / self.images, self.sign - self.target)
        self.value = min(max(self.value + step, 0.0), STRONGEST)


def augmented(images: torch.Tensor, probability: float, stream: torch.Generator) -> torch.Tensor:
    """Images (B, C, S, S) of C = 1 or 3, each augmentation applied to each image with that probability; differentiable.

    `stream` is on the CPU. What lies beyond an image's border is its reflection.
    """
    if probability == 0:
        return images
    draw = _Draw(len(images), probability, stream)
    where = _positions(draw, images.shape[-1]).to(images.device)
    grid = functional.affine_grid(where, list(images.shape), align_corners=False)
    images = functional.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    matrix, offset = (part.to(images.device) for part in _colours(draw, images.shape[1]))
    return torch.einsum("bij,bjhw->bihw", matrix, images) + offset[:, None, None, None]


class _Draw:
    """Random numbers of `count` images; where an augmentation is off, what leaves an image as it is."""

    def __init__(self, count: int, probability: float, stream: torch.Generator) -> None:
        self.count, self.probability, self.stream = count, probability, stream

    def _where_on(self, values: torch.Tensor, neutral: float) -> torch.Tensor:
        on = torch.rand(self.count, generator=self.stream) < self.probability
        return torch.where(on, values, torch.full_like(values, neutral))

    def integers(self, low: int, high: int) -> torch.Tensor:
        """Whole numbers from `low` to `high`; 0 where off."""
        return self._where_on(torch.randint(low, high + 1, (self.count,), generator=self.stream), 0)

    def normal(self, deviation: float) -> torch.Tensor:
        """Normal numbers; 0 where off."""
        return self._where_on(torch.randn(self.count, generator=self.stream) * deviation, 0)

    def angle(self) -> torch.Tensor:
        """Angles from -pi to pi; 0 where off."""
        return self._where_on((torch.rand(self.count, generator=self.stream) * 2 - 1) * math.pi, 0)


def _positions(draw: _Draw, side: int) -> torch.Tensor:
    """Affine maps (B, 2, 3) from an augmented image's coordinates to the image's, both from -1 to 1."""
    flip = 1 - 2 * draw.integers(0, 1).float()
    turns = torch.tensor([[[1.0, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]])[draw.integers(0, 3)]
    scale = torch.exp2(draw.normal(SCALE))
    most = round(SHIFT * side)
    shift = torch.stack([draw.integers(-most, most), draw.integers(-most, most)], dim=1) * (2 / side)
    turned = turns / scale[:, None, None]
    turned = torch.stack([turned[:, 0] * flip[:, None], turned[:, 1]], dim=1)
    return torch.cat([turned, shift[:, :, None]], dim=2)


def _colours(draw: _Draw, channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Matrices (B, C, C) and offsets (B,) of pixel values in [-1, 1].

    Hue turns, and saturation scales, what lies across the axis of greys.
    """
    brightness, contrast = draw.normal(BRIGHTNESS), torch.exp2(draw.normal(CONTRAST))
    matrix = contrast[:, None, None] * torch.eye(channels)
    if channels == 3:
        angle, saturation = draw.angle()[:, None, None], torch.exp2(draw.normal(SATURATION))[:, None, None]
        grey = torch.full((3, 3), 1 / 3)
        across = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
        coloured = angle.cos() * (torch.eye(3) - grey) + angle.sin() * across
        matrix = contrast[:, None, None] * (grey + saturation * coloured)
    return matrix, brightness * contrast
