"""The one cache of embeddings, in the scratch folder: a convenience that no result depends on."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch

from synthtrace import backbones
from synthtrace.features.extractor import Extractor
from synthtrace.images import pixel_hash, to_pixels
from synthtrace.stage import SCRATCH

CACHE = SCRATCH / "features"


def embeddings(extractor: Extractor, images: np.ndarray, mirrored: bool = False, cache: Path = CACHE) -> np.ndarray:
    """Embeddings (N, D), float32, of uint8 images (N, C, H, W).

    `mirrored` averages the embeddings of an image and of its mirror image: exactly blind to mirroring. A whole set is one file,
    keyed by the extractor's digest, the pixel hashes in their order, device and threads: what a batch held, and how it was
    computed, shows in the last bits, and a cached answer must be the computed one.
    """
    hashes = [pixel_hash(to_pixels(image)) for image in images]
    key = json.dumps([hashes, mirrored, str(extractor.device), torch.get_num_threads()])
    path = cache / extractor.digest / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"
    if path.exists():
        return np.load(path, allow_pickle=False)
    batch = torch.from_numpy(images).to(extractor.device)
    result = backbones.embed(extractor.model, batch)
    if mirrored:
        result = (result + backbones.embed(extractor.model, batch.flip(-1))) / 2
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with open(temporary, "wb") as file:
        np.save(file, result)
    temporary.replace(path)
    return result
