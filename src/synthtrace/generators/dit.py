"""`dit`: latent diffusion by a transformer (Peebles and Xie 2023), the label's embedding added to the timestep's (paper 4)."""

from pathlib import Path
from typing import Self

import torch
from diffusers import DiTTransformer2DModel

from synthtrace.generators.denoiser import LabelDenoiser, LatentShape
from synthtrace.generators.latent_diffusion import LatentDiffusion
from synthtrace.params import FamilySettings, Generator
from synthtrace.params.generators import Dit as Settings


class LabelledTransformer(LabelDenoiser):
    """Transformer on patches of the latent; label and timestep scale and shift its blocks (adaptive layer norm, zero).

    Each block has embeddings of its own, as in diffusers, whose tables hold the null label after the classes.
    """

    def __init__(self, transformer: DiTTransformer2DModel) -> None:
        super().__init__()
        self.transformer, self.classes = transformer, transformer.config["num_embeds_ada_norm"]
        for block in transformer.transformer_blocks:
            # which labels are dropped is drawn by the training, from streams of its own
            block.norm1.emb.class_embedder.dropout_prob = 0.0

    @classmethod
    def build(cls, params: Generator, settings: FamilySettings, latent: LatentShape, classes: int) -> Self:
        """See Denoiser; blocks start as the identity and the output as 0 (Peebles and Xie 2023, Section 3.2)."""
        assert isinstance(settings, Settings)
        transformer = DiTTransformer2DModel(
            num_attention_heads=settings.heads,
            attention_head_dim=settings.head_dim,
            in_channels=latent.channels,
            out_channels=latent.channels,
            num_layers=settings.depth,
            norm_num_groups=1,
            sample_size=latent.size,
            patch_size=settings.patch_size,
            num_embeds_ada_norm=classes,
        )
        modulations = [block.norm1.linear for block in transformer.transformer_blocks]
        for layer in (*modulations, transformer.proj_out_1, transformer.proj_out_2):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        return cls(transformer)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See Denoiser."""
        return cls(DiTTransformer2DModel.from_pretrained(folder / "transformer", use_safetensors=True, low_cpu_mem_usage=False))

    def save(self, folder: Path) -> None:
        """See Denoiser."""
        self.transformer.save_pretrained(folder / "transformer")

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """See Denoiser."""
        return self.transformer(latents, timestep=timesteps, class_labels=condition).sample


class Dit(LatentDiffusion):
    """`dit`."""

    denoiser = LabelledTransformer
