"""Checkpoint folders of autoencoders and generators: diffusers format and a card of what was seen."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.errors import InputError
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.protocol import Family
from synthtrace.generators.registry import family


@dataclass(frozen=True)
class Trained:
    """A trained generator, the latent space that it was trained in, and what it predicts (diffusers' `prediction_type`)."""

    family: Family
    space: LatentSpace
    prediction_type: str


def load_generator(folder: Path, autoencoders: Path, channels: int, device: torch.device) -> Trained:
    """A trained generator, in evaluation mode on `device`; `autoencoders` holds the latent spaces of its fold, a folder each.

    Raises InputError when the autoencoder of its space is not the one that the generator's card names.
    """
    card: dict[str, Any] = read_card(folder)
    place = autoencoders / card["space"]
    found = checkpoint_digest(place)
    if card["autoencoder"] != found:
        raise InputError(f"{place}: digest {found[:12]}, but {folder} was trained in the latents of {card['autoencoder'][:12]}")
    latent = card["latent"]
    space = LatentSpace(autoencoder.load(place), channels, latent["shift"], latent["scale"])
    space.autoencoder.to(device)
    model = family(card["kind"]).load(folder).eval().to(device)
    return Trained(model, space, card["params"]["prediction_type"])
