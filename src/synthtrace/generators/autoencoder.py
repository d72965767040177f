"""The latent space: an AutoencoderKL trained here, fine-tuned, or taken from a given checkpoint (Rombach et al. 2021)."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL

from synthtrace.errors import InputError
from synthtrace.generators.batches import ImageBatch, LatentBatch
from synthtrace.params import Autoencoder, Preprocess


def build(params: Autoencoder, image_size: int, channels: int) -> AutoencoderKL:
    """A new AutoencoderKL that halves the side once for each entry of `channels` after the first."""
    levels = len(params.channels)
    return AutoencoderKL(
        in_channels=channels,
        out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=tuple(params.channels),
        layers_per_block=params.layers_per_block,
        latent_channels=params.latent_channels,
        norm_num_groups=min(32, min(params.channels)),
        sample_size=image_size,
        mid_block_add_attention=False,
    )


def load(source: str | Path) -> AutoencoderKL:
    """Load an AutoencoderKL from a local diffusers folder or a hub id.

    Raises:
        InputError: neither a folder that holds one nor a hub id that can be had, naming `autoencoder.pretrained`.
    """
    try:
        return AutoencoderKL.from_pretrained(source, use_safetensors=True, low_cpu_mem_usage=False)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"autoencoder.pretrained: {str(source)!r} is neither a diffusers AutoencoderKL folder nor a hub id that could be "
            f"loaded ({reason})"
        ) from None


def check_fits(model: AutoencoderKL, preprocess: Preprocess, levels: int) -> None:
    """Raises InputError when a given autoencoder cannot serve the study's images or a denoiser of that many `levels`."""
    channels, multiple = model.config["in_channels"], LatentSpace(model, preprocess.channels).factor * 2 ** (levels - 1)
    if channels not in (preprocess.channels, 3):
        raise InputError(f"autoencoder.pretrained: it takes {channels} channels, preprocess.channels is {preprocess.channels}")
    if preprocess.image_size % multiple:
        raise InputError(
            f"autoencoder.pretrained: with its factor preprocess.image_size must be a multiple of {multiple}; found "
            f"{preprocess.image_size}"
        )


class LatentSpace:
    """Encode images to latents of unit deviation and back.

    `shift` and `scale` are measured on training images: z = (E(x) - shift) * scale. Grey images are replicated for a
    three-channel autoencoder here and nowhere else.
    """

    def __init__(self, autoencoder: AutoencoderKL, channels: int, shift: float = 0.0, scale: float = 1.0) -> None:
        self.autoencoder = autoencoder.eval().requires_grad_(False)
        self.channels, self.shift, self.scale = channels, shift, scale
        self._replicate = channels == 1 and autoencoder.config["in_channels"] == 3

    @property
    def factor(self) -> int:
        """How many pixels a side one latent covers."""
        return 2 ** (len(self.autoencoder.config["block_out_channels"]) - 1)

    @property
    def latent_channels(self) -> int:
        """Channels of a latent."""
        return self.autoencoder.config["latent_channels"]

    @torch.no_grad()
    def posterior(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation, (N, L, S/f, S/f) each, of the encoder's posterior for images (N, C, S, S) in [-1, 1]."""
        if self._replicate:
            images = images.expand(-1, 3, -1, -1)
        found = self.autoencoder.encode(images).latent_dist
        return found.mean, found.std

    def draw(self, mean: torch.Tensor, deviation: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
        """Latents (N, L, S/f, S/f) drawn from a posterior with a CPU generator."""
        return (mean + deviation * torch.randn(mean.shape, generator=noise).to(mean.device) - self.shift) * self.scale

    def encode(self, images: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
        """Images (N, C, S, S) in [-1, 1] to latents (N, L, S/f, S/f), drawn from their posterior with a CPU generator."""
        return self.draw(*self.posterior(images), noise)

    def latents(self, batch: ImageBatch | LatentBatch, noise: torch.Generator) -> torch.Tensor:
        """Latents (B, L, S/f, S/f) of a training batch, whether it was encoded before or not."""
        if isinstance(batch, LatentBatch):
            return self.draw(batch.mean, batch.deviation, noise)
        return self.encode(batch.images, noise)

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents to images (N, C, S, S), clipped to [-1, 1]."""
        images = self.autoencoder.decode(latents / self.scale + self.shift).sample
        if self._replicate:
            images = images.mean(dim=1, keepdim=True)
        return images.clamp(-1, 1)

    def measure(self, images: torch.Tensor, noise: torch.Generator) -> None:
        """Set `shift` and `scale` so that latents of these images have mean 0 and deviation 1."""
        self.shift, self.scale = 0.0, 1.0
        latents = torch.cat([self.encode(batch, noise) for batch in images.split(16)])
        self.shift = latents.mean().item()
        self.scale = 1 / latents.std().item()
