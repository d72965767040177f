"""Drawing pairs from a trained pyramid, and keeping it in a folder."""

from collections.abc import Sequence
from pathlib import Path

import torch

from synthtrace import compute
from synthtrace.errors import InputError
from synthtrace.generators.singan.network import PairGenerator


def save(model: PairGenerator, folder: Path) -> None:
    """Write a model's config.json and safetensors to a folder."""
    model.cpu().save_pretrained(folder)


def load(folder: Path, device: torch.device) -> PairGenerator:
    """Read a model from a folder, ready to draw from on `device`."""
    model = PairGenerator.from_pretrained(folder, use_safetensors=True, low_cpu_mem_usage=False)
    return model.eval().requires_grad_(False).to(device)


@torch.no_grad()
def sample(model: PairGenerator, image_seeds: Sequence[int]) -> torch.Tensor:
    """Pairs (B, C + 1, S, S) in [-1, 1], one a seed, on the CPU; masks are -1 or 1, cut at 0.

    A pair is drawn by itself, so it depends on its seed alone, to the bit.

    Raises:
        InputError: the model draws pixels that are no numbers.
    """
    noises = (torch.randn(1, model.noise_size, generator=compute.generator(seed)) for seed in image_seeds)
    pairs = torch.cat([model(noise.to(model.device)).cpu() for noise in noises])
    if not torch.isfinite(pairs).all():
        raise InputError("singan: the trained model draws pixels that are no numbers: lower its learning_rate")
    return torch.cat([pairs[:, :-1].clamp(-1, 1), torch.where(pairs[:, -1:] > 0, 1.0, -1.0)], dim=1)
