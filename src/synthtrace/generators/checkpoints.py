"""Reading a trained generator."""

from pathlib import Path

import torch

from synthtrace.cards import read_card
from synthtrace.generators.protocol import Family
from synthtrace.generators.registry import family


def load_generator(folder: Path, autoencoders: Path, channels: int, device: torch.device) -> Family:
    """A trained generator, in evaluation mode on `device`; `autoencoders` holds the latent spaces of its fold, a folder each.

    Raises InputError when the autoencoder of its space is not the one that the generator's card names.
    """
    card = read_card(folder)
    return family(card["kind"]).load(folder, autoencoders, card, channels, device)
