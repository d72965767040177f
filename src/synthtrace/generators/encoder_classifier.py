"""Classifiers with the architecture of an autoencoder's encoder and attention pooling: of images, and of noisy latents.

Paper 3, section 3: both of its classifiers are built so. The noisy latents' one also sees the timestep, as a denoiser does.
"""

from typing import Self

import torch
from diffusers import AutoencoderKL, ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.unets.unet_2d_blocks import DownBlock2D, UNetMidBlock2D

# width of an attention head, as in CLIP; a narrower pooling has one head
HEAD = 64


class AttentionPool(torch.nn.Module):
    """Features (B, W, s, s) to (B, W): their mean attends to them and to itself (Radford et al. 2021, section 2.4)."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.position = torch.nn.Parameter(torch.randn(side**2 + 1, width) / width**0.5)
        heads = width // HEAD if width % HEAD == 0 else 1
        self.attention = torch.nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Pool."""
        tokens = features.flatten(2).transpose(1, 2)
        tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1) + self.position
        return self.attention(tokens[:, :1], tokens, tokens, need_weights=False)[0][:, 0]


class EncoderClassifier(ModelMixin, ConfigMixin):
    """Images or latents (B, C, s, s), and timesteps (B,) where it is `timed`, to logits (B, classes).

    `channels` has an entry a resolution, each after the first of half the side, down to a side of 2: entries for lower ones
    are not used.
    """

    @register_to_config
    def __init__(self, inputs: int, side: int, channels: list[int], layers: int, classes: int, timed: bool) -> None:
        super().__init__()
        channels = channels[: max(1, side.bit_length() - 1)]
        groups, width = min(32, *channels), 4 * channels[0] if timed else None
        # applied behind the normalisation: where a group is one channel, what is added before it would be taken out again
        applied = "scale_shift" if timed else "default"
        self.frequencies = Timesteps(channels[0], flip_sin_to_cos=True, downscale_freq_shift=0) if timed else None
        self.timestep = TimestepEmbedding(channels[0], width) if timed else None
        self.conv_in = torch.nn.Conv2d(inputs, channels[0], 3, padding=1)
        self.down = torch.nn.ModuleList(
            DownBlock2D(
                in_channels=channels[max(0, level - 1)],
                out_channels=count,
                temb_channels=width,
                num_layers=layers,
                resnet_eps=1e-6,
                resnet_groups=groups,
                resnet_time_scale_shift=applied,
                add_downsample=level < len(channels) - 1,
                downsample_padding=0,
            )
            for level, count in enumerate(channels)
        )
        self.middle = UNetMidBlock2D(
            channels[-1],
            temb_channels=width,
            resnet_eps=1e-6,
            resnet_groups=groups,
            resnet_time_scale_shift=applied,
            add_attention=False,
        )
        self.norm = torch.nn.GroupNorm(groups, channels[-1], eps=1e-6)
        self.pool = AttentionPool(channels[-1], side >> (len(channels) - 1))
        self.output = torch.nn.Linear(channels[-1], classes)

    @classmethod
    def like(cls, autoencoder: AutoencoderKL, inputs: int, side: int, classes: int, *, timed: bool) -> Self:
        """A new classifier of that many channels at that side, with the widths and depth of an autoencoder's encoder."""
        own = autoencoder.config
        return cls(inputs, side, list(own["block_out_channels"]), own["layers_per_block"], classes, timed)

    def forward(self, values: torch.Tensor, timesteps: torch.Tensor | None = None) -> torch.Tensor:
        """Logits."""
        time = None
        if self.frequencies is not None and self.timestep is not None:
            time = self.timestep(self.frequencies(timesteps))
        hidden = self.conv_in(values)
        for block in self.down:
            hidden, _ = block(hidden, time)
        hidden = self.middle(hidden, time)
        return self.output(self.pool(torch.nn.functional.silu(self.norm(hidden))))

    def log_probability(self, values: torch.Tensor, timesteps: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Logarithm (B,) of the probability of the labels (B,)."""
        return self(values, timesteps).log_softmax(dim=1).gather(1, labels[:, None])[:, 0]
