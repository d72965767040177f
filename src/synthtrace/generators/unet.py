"""`unet`: latent diffusion by a U-Net, the label's embedding added to the timestep's (paper 4, section 3.2 and Figure 2)."""

from pathlib import Path
from typing import Self

import torch
from diffusers import UNet2DModel

from synthtrace.generators import unets
from synthtrace.generators.denoiser import LabelDenoiser, LatentShape
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
        return cls(unets.build(params, latent, labels=classes + 1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See Denoiser."""
        return cls(unets.load(folder))

    def save(self, folder: Path) -> None:
        """See Denoiser."""
        self.unet.save_pretrained(folder / "unet")

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """See Denoiser."""
        return self.unet(latents, timesteps, class_labels=condition).sample


class Unet(LatentDiffusion):
    """`unet`."""

    denoiser = LabelledUnet
