"""The synthesis network: styles modulate convolutions, noise is added after each, and every resolution adds to the image.

Karras et al. 2020a: weight modulation and demodulation (Eq. 1 and 3), skip connections from each resolution to the image
(section 4.1, Figure 7b).
"""

import math
from itertools import pairwise

import torch
from torch.nn import functional

from synthtrace.generators.gan.layers import Linear, activate, smooth, upsampled


class ModulatedConv(torch.nn.Module):
    """Convolution whose input channels a style scales and whose output is brought back to a deviation of 1.

    (B, `inputs`, H, W) and w (B, `dim`) to (B, `outputs`, H, W), or (..., 2H, 2W) with `upsample`. The weights are the same for
    the whole batch: input and output are scaled by what modulation and demodulation would do to each image's weights.
    """

    def __init__(
        self, inputs: int, outputs: int, dim: int, kernel: int, *, upsample: bool = False, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.style = Linear(dim, inputs, bias=1.0)
        self.weight = torch.nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale, self.padding = 1 / math.sqrt(inputs * kernel**2), kernel // 2
        self.upsample, self.demodulate = upsample, demodulate

    def forward(self, values: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """Apply."""
        style, weight = self.style(w), self.weight * self.scale
        values = values * style[:, :, None, None]
        if self.upsample:
            # the filter's gain makes up for the zeros that the stride puts between pixels
            values = 4 * smooth(functional.conv_transpose2d(values, weight.transpose(0, 1), stride=2), padding=1)
        else:
            values = functional.conv2d(values, weight, padding=self.padding)
        if self.demodulate:
            power = style.square() @ weight.square().sum(dim=(2, 3)).T
            values = values * torch.rsqrt(power + 1e-8)[:, :, None, None]
        return values


class StyledLayer(torch.nn.Module):
    """A modulated 3x3 convolution, one noise map (B, 1, H, W) for all channels at a learnt strength, bias, and rectifier."""

    def __init__(self, inputs: int, outputs: int, dim: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, dim, 3, upsample=upsample)
        self.strength = torch.nn.Parameter(torch.zeros(()))
        self.bias = torch.nn.Parameter(torch.zeros(outputs))

    def forward(self, values: torch.Tensor, w: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Apply."""
        return activate(self.conv(values, w) + noise * self.strength + self.bias[:, None, None])


class ToImage(torch.nn.Module):
    """What a resolution adds to the image: a modulated 1x1 convolution that is not demodulated."""

    def __init__(self, inputs: int, image_channels: int, dim: int) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, image_channels, dim, 1, demodulate=False)
        self.bias = torch.nn.Parameter(torch.zeros(image_channels))

    def forward(self, values: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """Apply."""
        return self.conv(values, w) + self.bias[:, None, None]


class Synthesis(torch.nn.Module):
    """w (B, `dim`) and noise maps to images (B, `image_channels`, S, S): a learnt constant of side `start`, then doublings.

    `channels` are those of each resolution, the lowest first; the lowest has one layer, every other has two.
    """

    def __init__(self, channels: list[int], image_channels: int, start: int, dim: int) -> None:
        super().__init__()
        self.constant = torch.nn.Parameter(torch.randn(channels[0], start, start))
        self.layers = torch.nn.ModuleList([StyledLayer(channels[0], channels[0], dim)])
        for inputs, outputs in pairwise(channels):
            self.layers += [StyledLayer(inputs, outputs, dim, upsample=True), StyledLayer(outputs, outputs, dim)]
        self.to_image = torch.nn.ModuleList(ToImage(width, image_channels, dim) for width in channels)

    def forward(self, w: torch.Tensor, noise: list[torch.Tensor]) -> torch.Tensor:
        """Draw; `noise` holds a map (B, 1, s, s) a layer."""
        values = self.constant.expand(len(w), -1, -1, -1)
        image: torch.Tensor | None = None
        for number, (layer, one) in enumerate(zip(self.layers, noise, strict=True)):
            values = layer(values, w, one)
            if number % 2 == 0:
                added = self.to_image[number // 2](values, w)
                image = added if image is None else upsampled(image) + added
        assert image is not None
        return image
