"""Inception v3 as FID, KID and the Inception score define it: torch-fidelity's port of the original TensorFlow weights.

Images are resized to 299 x 299 by that network's own rule (bilinear as in TensorFlow 1, corners not aligned, not antialiased):
figures by a library that resizes with antialiasing differ. The features are the 2,048 of the last pooling; the logits are the
1,008 without their bias, as in the original score.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import torch
from torch import nn
from torch_fidelity import feature_extractor_inceptionv3 as port

from synthtrace.errors import InputError
from synthtrace.images import file_sha256
from synthtrace.stage import progress

HUB = "hub"
BATCH = 32
RESIZE = "299 x 299, bilinear as in TensorFlow 1"


class Inception:
    """The network in evaluation mode on its device; `sha256` of its weights file."""

    def __init__(self, network: Callable[[torch.Tensor], tuple[torch.Tensor, ...]], sha256: str, device: torch.device) -> None:
        self.network, self.sha256, self.device = network, sha256, device

    @torch.inference_mode()
    def look(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features (N, 2048) and logits (N, 1008), float32, of uint8 images (N, 1 or 3, H, W).

        Grey becomes three equal channels here, and nowhere else.
        """
        batches = torch.from_numpy(images).split(BATCH)
        seen = [
            [part.cpu().numpy() for part in self.network(batch.expand(-1, 3, -1, -1).to(self.device))]
            for batch in progress(batches, "Inception", unit="batch")
        ]
        features, logits = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        return features, logits


def load(weights: str, device: torch.device) -> Inception:
    """The network with weights from `hub` (torch-fidelity's own download) or from a local file of them.

    Raises:
        InputError: naming fidelity.inception, when the hub is out of reach, the file is missing, or it holds no such weights.
    """
    where = f"fidelity.inception: {weights!r}"
    expected = "expected null, a reachable hub or a local weights file of torch-fidelity's Inception v3"
    if weights != HUB and not Path(weights).is_file():
        raise InputError(f"{where}: no such file; {expected}")
    try:
        if weights != HUB:
            torch.load(weights, map_location="cpu", weights_only=True)  # torch-fidelity would run whatever code a pickle holds
        network: nn.Module = port.FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048", "logits_unbiased"], None if weights == HUB else weights
        )
    except Exception as error:  # download, unpickling and mismatched weights share no base class
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{where} cannot be loaded ({type(error).__name__}: {reason}); {expected}") from None
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(port.URL_INCEPTION_V3).path).name
    return Inception(network.to(device).eval(), file_sha256(file if weights == HUB else Path(weights)), device)
