"""`semantic`: latent diffusion conditioned on a brightness map, projected and concatenated to the latent (paper 0, Methods)."""

from pathlib import Path
from typing import Self

import numpy as np
import torch
from diffusers import ConfigMixin, ModelMixin, UNet2DModel
from diffusers.configuration_utils import register_to_config
from scipy.interpolate import LinearNDInterpolator
from torch.nn import functional

from synthtrace.generators import unets
from synthtrace.generators.batches import Batch, shrink_map
from synthtrace.generators.denoiser import Denoiser, LatentShape
from synthtrace.generators.latent_diffusion import LatentDiffusion
from synthtrace.generators.protocol import Choice, Reference
from synthtrace.params import FamilySettings, Generator
from synthtrace.seeds import Seeds

# control points a side of the piecewise affine distortion
GRID = 5


class MapProjection(ModelMixin, ConfigMixin):
    """One-hot maps (B, classes, 2^halvings s, 2^halvings s) to (B, out_channels, s, s)."""

    @register_to_config
    def __init__(self, classes: int, out_channels: int, halvings: int, width: int = 32) -> None:
        super().__init__()
        layers: list[torch.nn.Module] = [torch.nn.Conv2d(classes, width, 3, padding=1)]
        for _ in range(halvings):
            layers += [torch.nn.SiLU(), torch.nn.Conv2d(width, width, 3, stride=2, padding=1)]
        self.layers = torch.nn.Sequential(*layers, torch.nn.SiLU(), torch.nn.Conv2d(width, out_channels, 1))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Project."""
        return self.layers(maps)


class MapDenoiser(Denoiser):
    """U-Net on the latent and the projected map; the null map is all zeros, which no one-hot map is."""

    def __init__(self, unet: UNet2DModel, projection: MapProjection) -> None:
        super().__init__()
        self.unet, self.projection = unet, projection

    @classmethod
    def build(cls, params: Generator, settings: FamilySettings, latent: LatentShape, classes: int) -> Self:
        """See Denoiser; maps have half the image's side, so the projection halves them log2(factor) - 1 times."""
        unet = unets.build(params, latent, inputs=2 * latent.channels)
        halvings = latent.factor.bit_length() - 2
        return cls(unet, MapProjection(params.map_classes, latent.channels, halvings))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See Denoiser."""
        return cls(
            unets.load(folder),
            MapProjection.from_pretrained(folder / "projection", use_safetensors=True, low_cpu_mem_usage=False),
        )

    def save(self, folder: Path) -> None:
        """See Denoiser."""
        self.unet.save_pretrained(folder / "unet")
        self.projection.save_pretrained(folder / "projection")

    def condition(self, batch: Batch) -> torch.Tensor:
        """One-hot maps (B, classes, S/2, S/2)."""
        if batch.maps is None:
            raise ValueError("a semantic batch has maps")
        return self.one_hot(batch.maps)

    def null(self, condition: torch.Tensor) -> torch.Tensor:
        """The null map."""
        return torch.zeros_like(condition)

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """See Denoiser."""
        return self.unet(torch.cat([latents, self.projection(condition)], dim=1), timesteps).sample

    def one_hot(self, maps: torch.Tensor) -> torch.Tensor:
        """Classes (B, H, W) to (B, classes, H, W)."""
        return functional.one_hot(maps, self.projection.config["classes"]).movedim(-1, 1).float()


class Semantic(LatentDiffusion):
    """`semantic`: the label of an image is that of the training image whose map it was given."""

    denoiser = MapDenoiser
    model: MapDenoiser

    def choose(self, index: int, label: int, reference: Reference, seeds: Seeds, names: tuple[str | int, ...]) -> Choice:
        """A training image, drawn uniformly: the label is its patient's, so labels follow their natural prior."""
        chosen = int(seeds.stream(*names, "condition_image", index).integers(len(reference.image_ids)))
        seed = seeds.integer(*names, "condition", index)
        return Choice(int(reference.labels[chosen]), reference.image_ids[chosen], seed)

    def realise(self, choice: Choice, reference: Reference) -> torch.Tensor:
        """The chosen image's map under a weak piecewise affine distortion, one-hot (classes, map_size, map_size)."""
        if choice.condition_image_id is None:
            raise ValueError("a semantic choice names the image whose map it takes")
        classes = shrink_map(reference.maps[reference.image_ids.index(choice.condition_image_id)], reference.map_size)
        rng = np.random.default_rng(choice.condition_seed)
        return self.model.one_hot(torch.from_numpy(distort(classes, reference.distortion, rng))[None].long())[0]


def distort(classes: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """A map (S, S) warped by a piecewise affine transform; no class appears that was not there.

    A grid of control points moves by N(0, `deviation` * S); between them, on the triangles of their Delaunay mesh, the inverse
    transform is linear. Pixels that the moved mesh no longer covers stay where they are.
    """
    size = len(classes)
    ticks = np.linspace(0, size - 1, GRID)
    points = np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    moved = points + rng.normal(0, deviation * size, points.shape)
    pixels = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), axis=-1).astype(float)
    origins = LinearNDInterpolator(moved, points)(pixels)
    origins = np.where(np.isnan(origins), pixels, origins)
    rows, columns = np.rint(origins).astype(int).clip(0, size - 1).transpose(2, 0, 1)
    return classes[rows, columns]
