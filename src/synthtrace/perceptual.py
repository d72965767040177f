"""LPIPS: the distance of images in the features of VGG16 (Zhang et al. 2018), by torchmetrics.

The weights of its linear layers come with torchmetrics, those of VGG16 are torchvision's.
"""

from pathlib import Path
from urllib.parse import urlparse

import torch
from torch import nn
from torchmetrics.functional.image.lpips import _NoTrainLpips as Network
from torchvision.models import VGG16_Weights

from synthtrace.errors import InputError
from synthtrace.images import file_sha256

HUB = "hub"


class Lpips(nn.Module):
    """The frozen network, and the `sha256` of VGG16's weights file."""

    def __init__(self, network: Network, sha256: str) -> None:
        super().__init__()
        self.network, self.sha256 = network.requires_grad_(False), sha256

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Distances (B,) of images (B, 1 or 3, H, W) in [-1, 1], H and W at least 16; grey becomes three equal channels."""
        return self.network(first.expand(-1, 3, -1, -1), second.expand(-1, 3, -1, -1)).flatten()


def load(weights: str, parameter: str) -> Lpips:
    """The network with VGG16's weights from `hub` (torchvision's download) or from a local file of its state dict.

    Raises:
        InputError: naming `parameter`, when the hub is out of reach, the file is missing, or it holds no such weights.
    """
    where = f"{parameter}: {weights!r}"
    expected = "expected null, a reachable hub or a local weights file of torchvision's VGG16"
    if weights != HUB and not Path(weights).is_file():
        raise InputError(f"{where}: no such file; {expected}")
    try:
        if weights == HUB:
            state = VGG16_Weights.DEFAULT.get_state_dict(progress=False, check_hash=True)
        else:
            state = torch.load(weights, map_location="cpu", weights_only=True)
        # the layers keep the numbers that they have in VGG16's features
        state = {name.removeprefix("features."): value for name, value in state.items() if name.startswith("features.")}
        with torch.random.fork_rng(devices=[]):
            network = Network(net="vgg", pnet_rand=True)
        for part in network.net.children():
            part.load_state_dict({name: state[name] for name in part.state_dict()})
    except Exception as error:  # download, unpickling and mismatched weights share no base class
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{where} cannot be loaded ({type(error).__name__}: {reason}); {expected}") from None
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(VGG16_Weights.DEFAULT.url).path).name
    return Lpips(network, file_sha256(file if weights == HUB else Path(weights)))
