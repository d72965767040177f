"""How images are seen: by a fold's in-domain extractor, and by Inception where its weights were asked for."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from synthtrace import backbones
from synthtrace.features import cache, extractor
from synthtrace.fidelity.cells import Images
from synthtrace.fidelity.inception import RESIZE, Inception

Seen = tuple[np.ndarray, np.ndarray] | None


@dataclass(frozen=True)
class Sight:
    """A fold's extractor and its backbone, Inception or None, and where embeddings are cached (None: computed anew)."""

    extractor: extractor.Extractor
    backbone: str
    inception: Inception | None
    cache: Path | None

    @classmethod
    def of_fold(cls, folder: Path, inception: Inception | None, cache: Path | None, device: torch.device) -> "Sight":
        """The extractor of a folder; raises InputError when the folder is none."""
        trained = extractor.load(folder, device)
        config = json.loads((folder / backbones.CONFIG).read_text(encoding="utf-8"))
        return cls(trained, config["backbone"], inception, cache)

    @property
    def suffix(self) -> str:
        """What names the extractor's space in a metric: its backbone, without the dots that timm's tags begin with."""
        return self.backbone.replace(".", "_")

    def see(self, pixels: np.ndarray, labels: np.ndarray, names: np.ndarray, seen: Seen = None) -> Images:
        """Uint8 images (N, C, H, W) in every space; `seen`: what Inception is already known to make of them."""
        if self.cache is None:
            embedded = backbones.embed(self.extractor.model, torch.from_numpy(pixels).to(self.extractor.device))
        else:
            embedded = cache.embeddings(self.extractor, pixels, cache=self.cache)
        features = {(f"fd_{self.suffix}", f"kd_{self.suffix}"): embedded}
        if self.inception is None:
            return Images(labels, names, pixels, features, None)
        pooled, logits = seen or look(self.inception, pixels, self.cache)
        return Images(labels, names, pixels, features | {("fid", "kid"): pooled}, logits)


def look(network: Inception, pixels: np.ndarray, folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """`network.look`, remembered in a folder (None: computed anew)."""
    if folder is None:
        return network.look(pixels)
    pooled, logits = cache.remembered(
        network.sha256, RESIZE, network.device, pixels, lambda: list(network.look(pixels)), folder
    )
    return pooled, logits
