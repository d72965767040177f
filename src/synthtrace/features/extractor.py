"""The in-domain extractor of a fold: trained on the fold's training images and labels, kept with a card of what it saw."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from synthtrace import backbones, cards, compute
from synthtrace.errors import InputError
from synthtrace.features.augment import alter
from synthtrace.params import Features
from synthtrace.seeds import Seeds

CONFIG = "config.json"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Extractor:
    """A trained extractor, in evaluation mode on its device, and the digest that stands for its weights."""

    model: nn.Module
    digest: str
    device: torch.device


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
    model = backbones.create(features.backbone, classes, channels, parameter="features.backbone")
    fitted = backbones.fit(
        model,
        torch.from_numpy(images).to(device),
        torch.tensor(manifest["label"].to_numpy(dtype=np.int64), device=device),
        steps=features.steps,
        batch_size=features.batch_size,
        learning_rate=features.learning_rate,
        weight_decay=features.weight_decay,
        augment=alter,
        seeds=seeds,
        names=names,
        device=device,
    )
    seen = cards.Seen()
    seen.add(manifest["image_id"].iloc[sorted(fitted["seen"])])
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "backbone": features.backbone,
        "channels": channels,
        "classes": classes,
        "image_mean": model.get_buffer("image_mean").flatten().tolist(),
        "image_std": model.get_buffer("image_std").flatten().tolist(),
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    save_file({name: value.cpu().contiguous() for name, value in model.state_dict().items()}, folder / WEIGHTS)
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
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    model = backbones.create(
        config["backbone"], config["classes"], config["channels"], parameter=f"{folder / CONFIG}: backbone"
    )
    model.load_state_dict(load_file(folder / WEIGHTS))
    return Extractor(model.to(device).eval(), digest, device)
