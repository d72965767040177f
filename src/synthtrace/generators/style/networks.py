"""The frozen networks behind the perceptual and the token terms: ImageNet's by torchvision and timm, or an in-domain one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import interpolate

from synthtrace import backbones, perceptual
from synthtrace.errors import InputError
from synthtrace.images import file_sha256
from synthtrace.params.style import Style, Token

Look = Callable[[torch.Tensor], list[torch.Tensor]]


@dataclass(frozen=True)
class Networks:
    """What the terms see of images (B, C, S, S) in [-1, 1], differentiably.

    `maps` are feature maps (B, K, s, s) of two early stages, `token` is one vector (B, D) an image. `names` says honestly what
    is behind either, for a card.
    """

    maps: Look
    token: Callable[[torch.Tensor], torch.Tensor]
    names: dict[str, str]


def load_networks(settings: Style, in_domain: nn.Module, what: str, device: torch.device) -> Networks:
    """The networks that `settings` asks for, frozen and in evaluation mode on `device`.

    `perceptual` null: the first two stages of `in_domain`, a network of `backbones` whose architecture is `what`; else relu1_2
    and relu2_2 of VGG16, near the conv1_1 and conv2_1 of VGG19 that ZeCon takes. `token` null: the pooled features of
    `in_domain`; else the class token of a vision transformer after its last layer norm, which sees images at its own size.

    Raises:
        InputError: naming style.perceptual or style.token, when weights cannot be had, when the transformer has no class token,
            or when the in-domain network gives no feature maps.
    """
    own = backbones.place(in_domain, device).requires_grad_(False).eval()
    if settings.perceptual is None:
        if not hasattr(own, "forward_intermediates"):
            raise InputError(f"style.perceptual: null, but the in-domain {what} gives no feature maps; expected hub or a file")
        maps, seen = _stages(own), f"in-domain {what}, first two stages"
    else:
        lpips = perceptual.load(settings.perceptual, "style.perceptual").to(device).eval()
        maps, seen = _vgg(lpips), f"vgg16, {_source(settings.perceptual, perceptual.HUB)}, relu1_2 and relu2_2"
    if settings.token is None:
        return Networks(maps, _pooled(own), {"perceptual": seen, "token": f"in-domain {what}, pooled features"})
    channels = own.get_buffer("image_mean").shape[1]
    token, weights = _class_token(settings.token, channels, device), _source(settings.token.weights, "imagenet")
    return Networks(maps, token, {"perceptual": seen, "token": f"{settings.token.backbone}, {weights}, class token"})


def _source(weights: str, hub: str) -> str:
    return hub if weights == hub else f"{Path(weights).name} (sha256 {file_sha256(Path(weights))[:12]})"


def _normalised(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    return backbones.normalise(model, (images + 1) * 127.5)


def _stages(model: Any) -> Look:
    look = model.forward_intermediates
    return lambda images: look(_normalised(model, images), indices=[0, 1], intermediates_only=True, stop_early=True)


def _vgg(lpips: perceptual.Lpips) -> Look:
    network = lpips.network

    def maps(images: torch.Tensor) -> list[torch.Tensor]:
        first = network.net.slice1(network.scaling_layer(images.expand(-1, 3, -1, -1)))
        return [first, network.net.slice2(first)]

    return maps


def _pooled(model: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    features, head = model.forward_features, model.forward_head
    return lambda images: head(features(_normalised(model, images)), pre_logits=True)


def _class_token(settings: Token, channels: int, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    name = settings.backbone
    with torch.random.fork_rng(devices=[]):
        model: Any = backbones.create(
            name, 0, channels, settings.weights, "style.token.backbone", weights_parameter="style.token.weights"
        )
    if getattr(model, "cls_token", None) is None:
        raise InputError(f"style.token.backbone: {name} has no class token; expected a vision transformer that has one")
    model = model.requires_grad_(False).eval().to(device)
    side, features = model.pretrained_cfg["input_size"][-1], model.forward_features

    def token(images: torch.Tensor) -> torch.Tensor:
        resized = interpolate(images, size=(side, side), mode="bilinear", antialias=True)
        return features(_normalised(model, resized))[:, 0]

    return token
