"""The generator: mapping and synthesis, drawn from one vector that holds all the noise of an image."""

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config

from synthtrace.generators.gan.mapping import Mapping
from synthtrace.generators.gan.synthesis import Synthesis


class StyleGenerator(ModelMixin, ConfigMixin):
    """Noise (B, `noise_size`) and labels (B,) to images (B, `image_channels`, S, S) about [-1, 1].

    S is `start` * 2^(resolutions - 1); `channels` are those of each resolution, the lowest first.

    The noise is standard normal: the first `latent_dim` numbers are z, the others the noise maps of the layers, the lowest
    resolution first. So an image follows from its noise and its label alone.
    """

    @register_to_config
    def __init__(
        self, channels: list[int], latent_dim: int, mapping_layers: int, classes: int, image_channels: int, start: int
    ) -> None:
        super().__init__()
        self.mapping = Mapping(latent_dim, mapping_layers, classes)
        self.synthesis = Synthesis(list(channels), image_channels, start, latent_dim)
        # side of every layer's noise map
        self.sides = [start * 2 ** ((number + 1) // 2) for number in range(len(self.synthesis.layers))]

    @property
    def noise_size(self) -> int:
        """How many normal numbers an image starts from."""
        return self.config["latent_dim"] + sum(side**2 for side in self.sides)

    def forward(self, noise: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Draw."""
        z, *flat = noise.split([self.config["latent_dim"], *(side**2 for side in self.sides)], dim=1)
        maps = [one.reshape(-1, 1, side, side) for one, side in zip(flat, self.sides, strict=True)]
        return self.synthesis(self.mapping(z, labels), maps)
