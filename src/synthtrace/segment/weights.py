"""Pretrained weights of a segmentation network's encoder."""

from pathlib import Path

import torch
from segmentation_models_pytorch.encoders import get_encoder
from timm.models import adapt_input_conv, load_state_dict
from torch import nn

from synthtrace.errors import InputError

EXPECTED = "expected null, 'imagenet' or a .safetensors or .pth file of this encoder"


def load_encoder(network: nn.Module, encoder: str, channels: int, weights: str) -> None:
    """Load "imagenet", the library's weights from the hub, or a local file, into an encoder for images of `channels` channels.

    A file holds the encoder's state, or that of a whole network (keys `encoder.*`); what else it holds, as a classification
    head, is left. The first convolution's weights for colours are summed for grey images.

    Raises:
        InputError: the hub is out of reach or has none, there is no such file, or it is one of another encoder.
    """
    where = f"segmenter.weights: {weights!r} for {encoder}"
    state = _of_hub(encoder, where) if weights == "imagenet" else _of_file(weights, where)
    state = {name.removeprefix("encoder."): value for name, value in state.items()}
    fitting = {}
    for name, own in network.state_dict().items():
        if name not in state:
            raise InputError(f"{where}: found none for {name!r}; {EXPECTED}")
        value = state[name]
        if value.ndim == 4 and channels == 1 and own.shape[1] == 1 and value.shape[1] == 3:
            value = adapt_input_conv(channels, value)
        if value.shape != own.shape:
            raise InputError(f"{where}: {name!r} has the shape {tuple(value.shape)}, not {tuple(own.shape)}; {EXPECTED}")
        fitting[name] = value
    network.load_state_dict(fitting)


def _of_hub(encoder: str, where: str) -> dict[str, torch.Tensor]:
    try:
        # timm's encoders take whatever their default weights are for true
        return get_encoder(encoder, weights=True if encoder.startswith("tu-") else "imagenet").state_dict()
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{where} cannot be loaded ({' '.join(str(error).split())}); {EXPECTED}") from None


def _of_file(path: str, where: str) -> dict[str, torch.Tensor]:
    if not Path(path).is_file():
        raise InputError(f"{where}: no such file; {EXPECTED}")
    try:
        return dict(load_state_dict(path, use_ema=False, device="cpu", weights_only=True))
    except Exception as error:  # unpickling, safetensors and zip errors share no base class
        raise InputError(f"{where}: not a readable weights file ({type(error).__name__}); {EXPECTED}") from None
