"""The discriminator: residual blocks, the deviation within the minibatch, and a projection onto the label's embedding.

Karras et al. 2020a, Figure 7; Karras et al. 2018, section 3 (minibatch deviation); Miyato and Koyama 2018 (projection).
"""

import math
from itertools import pairwise

import torch

from synthtrace.generators.gan.layers import Conv, Linear, activate, unit

# images whose deviation is taken together
GROUP = 4


class ResidualBlock(torch.nn.Module):
    """Two 3x3 convolutions beside a 1x1 convolution: (B, `inputs`, H, W) to (B, `outputs`, H/2, W/2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Conv(inputs, inputs, 3)
        self.second = Conv(inputs, outputs, 3, downsample=True)
        self.skip = Conv(inputs, outputs, 1, downsample=True, bias=False)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Apply."""
        return (activate(self.second(activate(self.first(values)))) + self.skip(values)) / math.sqrt(2)


class Discriminator(torch.nn.Module):
    """Images (B, `image_channels`, S, S) and labels (B,) to logits (B,), above 0 for real.

    `channels` are those of each resolution, the lowest first, as the generator's.
    """

    def __init__(self, channels: list[int], classes: int, image_channels: int, start: int) -> None:
        super().__init__()
        down = list(reversed(channels))
        width = channels[0]
        self.from_image = Conv(image_channels, down[0], 1)
        self.blocks = torch.nn.ModuleList(ResidualBlock(*pair) for pair in pairwise(down))
        self.conv = Conv(width + 1, width, 3)
        self.dense = Linear(width * start**2, width)
        self.out = Linear(width, width)
        self.embedding = torch.nn.Embedding(classes, width)

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Judge."""
        values = activate(self.from_image(images))
        for block in self.blocks:
            values = block(values)
        values = activate(self.conv(with_deviation(values)))
        values = self.out(activate(self.dense(values.flatten(1))))
        return (values * unit(self.embedding(labels))).sum(dim=1) / math.sqrt(values.shape[1])


def with_deviation(values: torch.Tensor) -> torch.Tensor:
    """Add a channel that holds the mean deviation between the images of a group: (B, C, H, W) to (B, C + 1, H, W).

    Groups have the largest size up to GROUP that divides the batch.
    """
    count, channels, height, width = values.shape
    size = next(size for size in range(min(GROUP, count), 0, -1) if count % size == 0)
    groups = values.reshape(size, -1, channels, height, width)
    deviation = (groups.var(dim=0, correction=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    return torch.cat([values, deviation.repeat(size).reshape(-1, 1, 1, 1).expand(-1, 1, height, width)], dim=1)
