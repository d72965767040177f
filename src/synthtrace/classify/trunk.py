"""Activations at the frozen boundary: computed once an image, kept in memory, shared by every training that can share them."""

import hashlib

import numpy as np
import torch
from torch import nn

from synthtrace import backbones
from synthtrace.backbones import Draw
from synthtrace.classify.augment import mirrored

# images at a time: more of them leave a core's cache behind (ResNet-50 at 128 px: a third slower at 64)
BATCH = 16


class Trunk:
    """The frozen part of a network, and what it makes of every image that it has met.

    A row of `values` (capacity, variants, *shape at the boundary) holds an image and, with `mirror`, its mirror image: flipping
    has only these two outcomes, so that nothing of the augmentation is lost. Images are known by their pixels. When there is no
    room for new ones, the oldest that are not asked for make way.

    Memory: 4 bytes (2 in bfloat16) a value. ResNet-50 partly frozen: 0.25 MiB an image and variant at 128 px, 1 MiB at 256 px;
    fully frozen: 8 kiB. Rows that are never filled take none on a CPU.
    """

    def __init__(
        self,
        model: nn.Module,
        trunk: nn.Module,
        *,
        mirror: bool,
        capacity: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """`trunk` is the frozen part of `model`, which says how images are normalised."""
        # forward alone, convolutions are faster channels last, on a CPU too (ResNet-50 at 128 px: by a third)
        self._model, self._trunk, self._mirror = model, trunk.to(memory_format=torch.channels_last), mirror
        self._device, self._dtype, self._capacity = device, dtype, capacity
        self._rows: dict[bytes, int] = {}
        self._free = list(range(capacity))[::-1]
        self.values = torch.empty(0, device=device, dtype=dtype)

    def rows(self, images: np.ndarray) -> torch.Tensor:
        """The row of each of these uint8 images (N, C, H, W) in `values`; those not met before are computed.

        Raises:
            IndexError: there are more different images than rows.
        """
        keys = [hashlib.sha256(image.tobytes()).digest() for image in images]
        new = {key: index for index, key in enumerate(keys) if key not in self._rows}
        self._make_room(len(new), set(keys))
        for key in new:
            self._rows[key] = self._free.pop()
        self._compute(images[list(new.values())], [self._rows[key] for key in new])
        return torch.tensor([self._rows[key] for key in keys], device=self._device)

    def draw(self, rows: torch.Tensor) -> Draw:
        """Batches for `backbones.fit` of the images in these rows, mirrored by the same draws as whole images would be."""

        def draw(index: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
            variant = mirrored(len(index), noise).long().to(self._device) if self._mirror else 0
            return self.values[rows[index], variant]

        return draw

    @torch.inference_mode()
    def predict(self, rest: nn.Module, rows: torch.Tensor) -> np.ndarray:
        """Class probabilities (N, classes), float64, of the images in these rows, not mirrored."""
        rest.eval()
        return backbones.probabilities([rest(self.values[batch, 0].float()) for batch in rows.split(BATCH)])

    def _make_room(self, count: int, asked: set[bytes]) -> None:
        for key in list(self._rows):
            if len(self._free) >= count:
                return
            if key not in asked:
                self._free.append(self._rows.pop(key))

    @torch.no_grad()
    def _compute(self, images: np.ndarray, rows: list[int]) -> None:
        for start in range(0, len(rows), BATCH):
            pixels = torch.from_numpy(images[start : start + BATCH]).to(self._device)
            for variant in range(1 + self._mirror):
                batch = pixels.flip(-1) if variant else pixels
                with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._dtype == torch.bfloat16):
                    found = self._trunk(backbones.normalise(self._model, batch))
                if not len(self.values):
                    shape = (self._capacity, 1 + self._mirror, *found.shape[1:])
                    self.values = torch.empty(shape, device=self._device, dtype=self._dtype)
                self.values[rows[start : start + BATCH], variant] = found.to(self._dtype)
