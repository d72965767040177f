"""The networks of SinGAN (Shaham et al. 2019, section 2.1 and Figure 4)."""

import itertools

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn.functional import pad

from synthtrace.generators.singan.pyramid import resized


def convolutions(inputs: int, outputs: int, width: int, layers: int) -> nn.Sequential:
    """So many 3x3 convolutions without padding: (B, inputs, S, S) to (B, outputs, S - 2 * layers, S - 2 * layers).

    An output sees a patch of side 2 * layers + 1. The source normalises batches of one pair; normalising each pair by itself
    is the same, also for a batch of several, and when the model draws.
    """
    blocks: list[nn.Module] = []
    for channels, wider in itertools.pairwise([inputs, *[width] * (layers - 1)]):
        blocks += [nn.Conv2d(channels, wider, 3, bias=False), nn.InstanceNorm2d(wider, affine=True), nn.LeakyReLU(0.2)]
    return nn.Sequential(*blocks, nn.Conv2d(width, outputs, 3))


def initialise(network: nn.Module, stream: torch.Generator) -> None:
    """Set all weights of a network from a stream: convolutions N(0, 0.02), scales N(1, 0.02), the rest 0."""
    for name, weight in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weight)
        else:
            nn.init.normal_(weight, 0.0 if weight.ndim == 4 else 1.0, 0.02, generator=stream)


class ScaleGenerator(nn.Module):
    """Noise and the next coarser scale's image, (B, `channels`, S, S) each, to an image of this scale (Eq. 5)."""

    def __init__(self, channels: int, width: int, layers: int) -> None:
        super().__init__()
        self.layers = layers
        self.convolutions = convolutions(channels, channels, width, layers)

    def forward(self, noise: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        """Apply; the border is padded once, before the first convolution, as the source does for varied corners."""
        return below + torch.tanh(self.convolutions(pad(noise + below, [self.layers] * 4)))


class PairGenerator(ModelMixin, ConfigMixin):
    """Noise (B, `noise_size`) to pairs (B, `channels`, S, S) about [-1, 1]; S is the last of `sides`.

    `channels` are those of image and mask, `sides` and `widths` the sides and the networks' channels of the scales, the
    coarsest first. `amplitudes` (scales,) is how strong the noise is, `fixed_noise` (1, s, s) the noise z* of the coarsest
    scale that the training pair is drawn from, where the finer scales have none (section 2.2).

    The noise is standard normal: first one map for all channels of the coarsest scale, then those of the finer ones.
    """

    @register_to_config
    def __init__(self, channels: int, sides: list[int], widths: list[int], layers: int) -> None:
        super().__init__()
        self.generators = nn.ModuleList(ScaleGenerator(channels, width, layers) for width in widths)
        self.register_buffer("amplitudes", torch.ones(len(sides)))
        self.register_buffer("fixed_noise", torch.zeros(1, sides[0], sides[0]))
        self.shapes = [(channels if scale else 1, side, side) for scale, side in enumerate(sides)]

    @property
    def noise_size(self) -> int:
        """How many normal numbers a pair starts from."""
        return sum(channels * side**2 for channels, side, _ in self.shapes)

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        """Draw."""
        sizes = [channels * side**2 for channels, side, _ in self.shapes]
        parts = noise.split(sizes, dim=1)
        return self.drawn([part.reshape(-1, *shape) for part, shape in zip(parts, self.shapes, strict=True)])

    def drawn(self, noises: list[torch.Tensor]) -> torch.Tensor:
        """Images of the finest of the scales that noise is given for, (B, channels, s, s); one scale's noise an entry."""
        side, count = self.shapes[0][-1], len(noises[0])
        images = noises[0].new_zeros((count, self.config["channels"], side, side))
        for scale, noise in enumerate(noises):
            images = self.generators[scale](self.amplitudes[scale] * noise, resized(images, self.shapes[scale][-1]))
        return images

    def fixed_noises(self, scales: int) -> list[torch.Tensor]:
        """The noise that reconstructs the training pair, for the first so many scales."""
        return [self.fixed_noise[None], *(self.amplitudes.new_zeros((1, *shape)) for shape in self.shapes[1:scales])]
