"""Layers that generator and discriminator share: an equalised learning rate, and resampling by one smooth filter.

Equalised learning rate (Karras et al. 2018, section 4.1): weights are kept at deviation 1 / `rate` and scaled when they are
used, so that Adam moves those of every layer at the same relative speed.
"""

import math

import torch
from torch.nn import functional

# slope of the leaky rectifier below zero, and what keeps its output at the deviation of its input
SLOPE = 0.2
GAIN = math.sqrt(2)


class Linear(torch.nn.Module):
    """Fully connected layer (B, `inputs`) to (B, `outputs`) with an equalised learning rate.

    `rate` multiplies the learning rate of its weights; `bias` is where its biases start.
    """

    def __init__(self, inputs: int, outputs: int, rate: float = 1.0, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = torch.nn.Parameter(torch.full((outputs,), bias / rate))
        self.scale, self.rate = rate / math.sqrt(inputs), rate

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Apply."""
        return functional.linear(values, self.weight * self.scale, self.bias * self.rate)


class Conv(torch.nn.Module):
    """Convolution (B, `inputs`, H, W) to (B, `outputs`, H, W), at an equalised learning rate.

    With `downsample` the result has half the side.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, downsample: bool = False, bias: bool = True) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = torch.nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.kernel, self.downsample = 1 / math.sqrt(inputs * kernel**2), kernel, downsample

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Apply; the filter before a stride of 2 keeps the result free of aliases."""
        weight = self.weight * self.scale
        if not self.downsample:
            return functional.conv2d(values, weight, self.bias, padding=self.kernel // 2)
        if self.kernel == 1:
            return functional.conv2d(smooth(values, padding=1, stride=2), weight, self.bias)
        return functional.conv2d(smooth(values, padding=2), weight, self.bias, stride=2)


def activate(values: torch.Tensor) -> torch.Tensor:
    """Leaky rectifier that keeps the deviation of its input."""
    return functional.leaky_relu(values, SLOPE) * GAIN


def unit(values: torch.Tensor) -> torch.Tensor:
    """Vectors (B, N) scaled to a mean square of 1."""
    return values * torch.rsqrt(values.square().mean(dim=1, keepdim=True) + 1e-8)


def smooth(values: torch.Tensor, padding: int, stride: int = 1) -> torch.Tensor:
    """Filter (B, C, H, W) by [1, 3, 3, 1] along both sides; the filter's four taps cost a side 3 - 2 `padding` pixels."""
    channels = values.shape[1]
    return functional.conv2d(values, _taps(values).expand(channels, 1, 4, 4), padding=padding, stride=stride, groups=channels)


def upsampled(values: torch.Tensor) -> torch.Tensor:
    """Upsample (B, C, H, W) to (B, C, 2H, 2W) through the same filter."""
    channels = values.shape[1]
    filters = 4 * _taps(values).expand(channels, 1, 4, 4)
    return functional.conv_transpose2d(values, filters, stride=2, padding=1, groups=channels)


def _taps(like: torch.Tensor) -> torch.Tensor:
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], device=like.device, dtype=like.dtype) / 8
    return torch.outer(line, line)
