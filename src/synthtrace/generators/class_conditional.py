"""`class`: latent diffusion conditioned on the label by cross-attention to its embedding (paper 0, Methods)."""

from pathlib import Path
from typing import Self

import torch
from diffusers import ConfigMixin, ModelMixin, UNet2DConditionModel
from diffusers.configuration_utils import register_to_config

from synthtrace.generators import unets
from synthtrace.generators.denoiser import LabelDenoiser, LatentShape
from synthtrace.generators.latent_diffusion import LatentDiffusion
from synthtrace.params import FamilySettings, Generator
from synthtrace.params.generators import ClassTokens


class LabelEmbedding(ModelMixin, ConfigMixin):
    """Labels (B,) to tokens (B, 1, dim); label number `classes` is the null label."""

    @register_to_config
    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(classes + 1, dim)

    def forward(self, labels: torch.Tensor) -> torch.Tensor:
        """Look the tokens up."""
        return self.table(labels)[:, None]


class TokenDenoiser(LabelDenoiser):
    """U-Net with cross-attention to a label embedding."""

    def __init__(self, unet: UNet2DConditionModel, embedding: LabelEmbedding) -> None:
        super().__init__()
        self.unet, self.embedding, self.classes = unet, embedding, embedding.config["classes"]

    @classmethod
    def build(cls, params: Generator, settings: FamilySettings, latent: LatentShape, classes: int) -> Self:
        """See Denoiser."""
        assert isinstance(settings, ClassTokens)
        unet = unets.build_attending(params, latent, settings.label_dim)
        return cls(unet, LabelEmbedding(classes, settings.label_dim))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See Denoiser."""
        return cls(
            UNet2DConditionModel.from_pretrained(folder / "unet", use_safetensors=True, low_cpu_mem_usage=False),
            LabelEmbedding.from_pretrained(folder / "embedding", use_safetensors=True, low_cpu_mem_usage=False),
        )

    def save(self, folder: Path) -> None:
        """See Denoiser."""
        self.unet.save_pretrained(folder / "unet")
        self.embedding.save_pretrained(folder / "embedding")

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """See Denoiser."""
        return self.unet(latents, timesteps, encoder_hidden_states=self.embedding(condition)).sample


class ClassConditional(LatentDiffusion):
    """`class`."""

    denoiser = TokenDenoiser
    model: TokenDenoiser
