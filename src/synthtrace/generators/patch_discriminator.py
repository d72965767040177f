"""The discriminator of patches (Isola et al. 2017) and its hinge loss, as in latent diffusion's autoencoders."""

import torch
from torch import nn
from torch.nn.functional import relu

# side in pixels of the patch that an output sees, by the number of strided convolutions
PATCHES = {3: 70, 2: 34, 1: 16}
# width of the first convolution; an autoencoder whose own is narrower sets it
WIDTH = 64


def build(channels: int, width: int, side: int) -> nn.Sequential:
    """A discriminator of images (B, channels, side, side) to logits (B, 1, p, p), above 0 for real, a patch each.

    A patch is 70 pixels wide as the paper's, or 34 or 16 where that is more than half of the image's side.
    """
    strided = next((count for count, patch in PATCHES.items() if 2 * patch <= side), 1)
    width = min(width, WIDTH)
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    for level in range(1, strided + 1):
        inner = width * 2**level
        stride = 2 if level < strided else 1
        layers += [
            nn.Conv2d(inner // 2, inner, 4, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(inner),
            nn.LeakyReLU(0.2),
        ]
    model = nn.Sequential(*layers, nn.Conv2d(width * 2**strided, 1, 4, padding=1))
    for name, weight in model.named_parameters():
        if weight.ndim == 4:
            nn.init.normal_(weight, 0.0, 0.02)
        elif name.endswith("weight"):
            nn.init.normal_(weight, 1.0, 0.02)
    return model


def hinge(on_real: torch.Tensor, on_made: torch.Tensor) -> torch.Tensor:
    """The discriminator's loss: logits of real images are to be above 1, those of made ones below -1 (Lim and Ye 2017)."""
    return (relu(1 - on_real).mean() + relu(1 + on_made).mean()) / 2
