"""Checkpoint folders of autoencoders and generators: diffusers format and a card of what was seen."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.errors import InputError
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import TrainingImages
from synthtrace.generators.protocol import Family
from synthtrace.generators.registry import family
from synthtrace.images import load_stack


def training_images(crops: Path, rows: pd.DataFrame, channels: int, *, maps: bool) -> TrainingImages:
    """Load the native crops (and maps) of a crops manifest's rows."""
    return TrainingImages(
        images=load_stack([crops / path for path in rows["native_path"]], channels),
        maps=load_stack([crops / path for path in rows["map_path"]], 1)[:, 0] if maps else None,
        labels=np.asarray(rows["label"], dtype=np.int64),
        image_ids=rows["image_id"].astype(str).tolist(),
    )


def load_generator(folder: Path, autoencoder_folder: Path, channels: int, device: torch.device) -> tuple[Family, LatentSpace]:
    """A trained generator and the latent space that it was trained in.

    Raises InputError when the autoencoder is not the one that the generator's card names.
    """
    card: dict[str, Any] = read_card(folder)
    found = checkpoint_digest(autoencoder_folder)
    if card["autoencoder"] != found:
        raise InputError(
            f"{autoencoder_folder}: digest {found[:12]}, but {folder} was trained in the latents of {card['autoencoder'][:12]}"
        )
    latent = card["latent"]
    space = LatentSpace(autoencoder.load(autoencoder_folder), channels, latent["shift"], latent["scale"])
    space.autoencoder.to(device)
    return family(card["kind"]).load(folder).eval().to(device), space
