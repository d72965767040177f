"""The in-domain extractor of a fold: trained on the fold's training images and labels, kept with a card of what it saw."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from synthtrace import backbones, cards, compute
from synthtrace.errors import InputError
from synthtrace.features.augment import alter
from synthtrace.params import Features
from synthtrace.seeds import Seeds


@dataclass(frozen=True)
class Extractor:
    """A trained extractor, in evaluation mode on its device, and the digest that stands for its weights."""

    model: nn.Module
    digest: str
    device: torch.device

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Class probabilities (N, classes), float64, of uint8 images (N, C, H, W)."""
        return backbones.predict(self.model, torch.from_numpy(images).to(self.device))


def train(
    folder: Path,
    images: np.ndarray,
    manifest: pd.DataFrame,
    *,
    fold: int,
    classes: int,
    features: Features,
    seeds: Seeds,
    device: torch.device,
) -> list[float]:
    """Train on `images` (N, C, H, W) uint8, rows of `manifest`, and write config.json, model.safetensors and card.json.

    The images are altered afresh at each step (`features.augment`), so that the embedding is blind to those alterations.
    Returns the loss of every step.

    Raises:
        InputError: there are no training images, or the backbone is unknown.
    """
    if manifest.empty:
        raise InputError(f"fold {fold}: expected images with role 'train', found none")
    channels = images.shape[1]
    names = ("features", fold)
    compute.seed_everything(seeds.integer(*names, "init"))
    model = backbones.create(features.backbone, classes, channels, parameter="features.backbone", side=images.shape[-1])
    backbones.standardise(model, images)
    fitted = backbones.fit(
        model,
        backbones.altered(model, torch.from_numpy(images).to(device), alter),
        torch.tensor(manifest["label"].to_numpy(dtype=np.int64), device=device),
        steps=features.steps,
        batch_size=features.batch_size,
        optimizer="adamw",
        schedule="cosine",
        learning_rate=features.learning_rate,
        weight_decay=features.weight_decay,
        seeds=seeds,
        names=names,
        device=device,
    )
    seen = cards.Seen()
    seen.add(manifest["image_id"].iloc[sorted(fitted["seen"])])
    backbones.save(folder, model, features.backbone, classes, channels)
    cards.write_card(
        folder,
        kind="extractor",
        fold=fold,
        params=features.model_dump(),
        seed=seeds.root,
        steps=features.steps,
        losses=fitted["losses"],
        **seen.card_fields(manifest),
    )
    return fitted["losses"]


def load(folder: Path, device: torch.device) -> Extractor:
    """Read an extractor that `train` wrote; raises InputError when the folder is none."""
    digest = cards.checkpoint_digest(folder)
    return Extractor(backbones.load(folder, device), digest, device)
