"""The one cache of what networks make of images, in the scratch folder: a convenience that no result depends on."""

import hashlib
import inspect
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from synthtrace import backbones
from synthtrace.features.extractor import Extractor
from synthtrace.images import pixel_hash, to_pixels
from synthtrace.stage import SCRATCH

CACHE = SCRATCH / "features"


def embeddings(extractor: Extractor, images: np.ndarray, mirrored: bool = False, cache: Path = CACHE) -> np.ndarray:
    """Embeddings (N, D), float32, of uint8 images (N, C, H, W), which the extractor sees at their own size.

    `mirrored` averages the embeddings of an image and of its mirror image: exactly blind to mirroring.
    """

    def compute() -> list[np.ndarray]:
        batch = torch.from_numpy(images).to(extractor.device)
        found = backbones.embed(extractor.model, batch)
        return [(found + backbones.embed(extractor.model, batch.flip(-1))) / 2 if mirrored else found]

    resize = "as they are, and mirrored" if mirrored else "as they are"
    return remembered(extractor.digest, resize, extractor.device, images, compute, cache)[0]


def remembered(
    network: str,
    resize: str,
    device: torch.device,
    images: np.ndarray,
    compute: Callable[[], list[np.ndarray]],
    cache: Path = CACHE,
) -> list[np.ndarray]:
    """What `compute` makes of images uint8 (N, C, H, W), from the cache where it is there.

    A whole set is one file, keyed by the network's digest, how images are resized for it, the pixel hashes in their order,
    device, threads, torch's version and the source of what asks a backbone: what a batch held, and how it was computed, shows
    in the last bits, and a cached answer must be the computed one.
    """
    hashes = [pixel_hash(to_pixels(image)) for image in images]
    key = json.dumps([resize, hashes, str(device), torch.get_num_threads(), torch.__version__, inspect.getsource(backbones)])
    path = cache / network / f"{hashlib.sha256(key.encode()).hexdigest()}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as stored:
            return [stored[name] for name in stored.files]
    found = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with open(temporary, "wb") as file:
        np.savez(file, *found)
    temporary.replace(path)
    return found
