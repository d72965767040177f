"""`unet`: latent diffusion by a U-Net, the label's embedding added to the timestep's (paper 4, section 3.2 and Figure 2)."""

from pathlib import Path
from typing import Self

import torch
from diffusers import UNet2DModel

from synthtrace.generators.denoiser import LabelDenoiser, LatentShape, block_types
from synthtrace.generators.latent_diffusion import LatentDiffusion
from synthtrace.params import FamilySettings, Generator


class LabelledUnet(LabelDenoiser):
    """U-Net whose timestep embedding has the label's added to it."""

    def __init__(self, unet: UNet2DModel) -> None:
        super().__init__()
        self.unet, self.classes = unet, unet.config["num_class_embeds"] - 1

    @classmethod
    def build(cls, params: Generator, settings: FamilySettings, latent: LatentShape, classes: int) -> Self:
        """See Denoiser."""
        return cls(build_unet(params, latent, classes + 1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See Denoiser."""
        return cls(load_unet(folder))

    def save(self, folder: Path) -> None:
        """See Denoiser."""
        self.unet.save_pretrained(folder / "unet")

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """See Denoiser."""
        return self.unet(latents, timesteps, class_labels=condition).sample


class Unet(LatentDiffusion):
    """`unet`."""

    denoiser = LabelledUnet


def build_unet(params: Generator, latent: LatentShape, labels: int | None) -> UNet2DModel:
    """A U-Net of latents of that shape, conditioned on that many labels, or on none."""
    down = block_types("DownBlock2D", "AttnDownBlock2D", len(params.channels), params.attention_levels)
    return UNet2DModel(
        sample_size=latent.size,
        in_channels=latent.channels,
        out_channels=latent.channels,
        block_out_channels=tuple(params.channels),
        layers_per_block=params.layers_per_block,
        down_block_types=down,
        up_block_types=tuple(name.replace("Down", "Up") for name in reversed(down)),
        attention_head_dim=8,
        norm_num_groups=min(32, min(params.channels)),
        num_class_embeds=labels,
    )


def load_unet(folder: Path) -> UNet2DModel:
    """The U-Net of a checkpoint folder."""
    return UNet2DModel.from_pretrained(folder / "unet", use_safetensors=True, low_cpu_mem_usage=False)
