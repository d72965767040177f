"""`class`: latent diffusion conditioned on the label by cross-attention to its embedding (paper 0, Methods)."""

from pathlib import Path
from typing import Self

import torch
from diffusers import ConfigMixin, ModelMixin, UNet2DConditionModel
from diffusers.configuration_utils import register_to_config

from synthtrace.generators.batches import Batch
from synthtrace.generators.protocol import Choice, Family, LatentShape, Reference, block_types
from synthtrace.params import Generator
from synthtrace.seeds import Seeds


class LabelEmbedding(ModelMixin, ConfigMixin):
    """Labels (B,) to tokens (B, 1, dim); label number `classes` is the null label."""

    @register_to_config
    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(classes + 1, dim)

    def forward(self, labels: torch.Tensor) -> torch.Tensor:
        """Look the tokens up."""
        return self.table(labels)[:, None]


class ClassConditional(Family):
    """U-Net with cross-attention to a label embedding."""

    def __init__(self, unet: UNet2DConditionModel, embedding: LabelEmbedding) -> None:
        super().__init__()
        self.unet, self.embedding = unet, embedding

    @classmethod
    def build(cls, params: Generator, latent: LatentShape, classes: int) -> Self:
        """See Family."""
        down = block_types("DownBlock2D", "CrossAttnDownBlock2D", len(params.channels), params.attention_levels)
        unet = UNet2DConditionModel(
            sample_size=latent.size,
            in_channels=latent.channels,
            out_channels=latent.channels,
            block_out_channels=tuple(params.channels),
            layers_per_block=params.layers_per_block,
            down_block_types=down,
            up_block_types=tuple(name.replace("Down", "Up") for name in reversed(down)),
            cross_attention_dim=params.label_dim,
            attention_head_dim=8,
            norm_num_groups=min(32, min(params.channels)),
        )
        return cls(unet, LabelEmbedding(classes, params.label_dim))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See Family."""
        return cls(
            UNet2DConditionModel.from_pretrained(folder / "unet", use_safetensors=True, low_cpu_mem_usage=False),
            LabelEmbedding.from_pretrained(folder / "embedding", use_safetensors=True, low_cpu_mem_usage=False),
        )

    def save(self, folder: Path) -> None:
        """See Family."""
        self.unet.save_pretrained(folder / "unet")
        self.embedding.save_pretrained(folder / "embedding")

    def condition(self, batch: Batch) -> torch.Tensor:
        """Labels (B,)."""
        return batch.labels

    def null(self, condition: torch.Tensor) -> torch.Tensor:
        """The null label."""
        return torch.full_like(condition, self.embedding.config["classes"])

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """See Family."""
        return self.unet(latents, timesteps, encoder_hidden_states=self.embedding(condition)).sample

    def choose(self, index: int, label: int, reference: Reference, seeds: Seeds, names: tuple[str | int, ...]) -> Choice:
        """The wanted label, of no image and no stream."""
        return Choice(label)

    def realise(self, choice: Choice, reference: Reference) -> torch.Tensor:
        """The label."""
        return torch.tensor(choice.label)
