"""The loss of a batch of predicted clean images, with what does not change between steps seen once."""

import torch
from diffusers import UNet2DModel

from synthtrace.generators.style import losses
from synthtrace.generators.style.networks import Networks
from synthtrace.params.style import Style


def encoded(unet: UNet2DModel, pairs: torch.Tensor) -> list[torch.Tensor]:
    """Feature maps (B, K, h, w) of pairs (B, C+1, S, S) in the denoiser's encoder: of its first layer and of each level.

    The pairs are clean and so is the timestep, 0, for predicted and inpainted pairs alike, as in the code of ZeCon.
    """
    timesteps = torch.zeros(len(pairs), dtype=torch.long, device=pairs.device)
    embedding = unet.time_embedding(unet.time_proj(timesteps).to(pairs.dtype))
    hidden = unet.conv_in(pairs)
    maps = [hidden]
    for block in unet.down_blocks:
        hidden, states = block(hidden, embedding)
        maps.append(states[len(block.resnets) - 1])
    return maps


class Guide:
    """The weighted terms of paper 2's loss for pairs (B, C+1, S, S) and targets (B, C, S, S) in [-1, 1].

    `patches` are generators, one an image, that draw the places of the contrastive term.
    """

    def __init__(
        self,
        unet: UNet2DModel,
        networks: Networks,
        settings: Style,
        pairs: torch.Tensor,
        targets: torch.Tensor,
        patches: list[torch.Generator],
    ) -> None:
        self.unet, self.networks, self.settings = unet, networks, settings
        self.source, self.mask, self.target, self.patches = pairs[:, :-1], pairs[:, -1:], targets, patches
        self.weights = {name: weight for name, weight in settings.weights.model_dump().items() if weight}
        with torch.no_grad():
            self.keys = encoded(unet, pairs) if "zecon" in self.weights else []
            self.maps = networks.maps(self.source) if "perceptual" in self.weights else []
            asked = {"token", "semantic"} & set(self.weights)
            self.target_token = networks.token(targets) if asked else None
            # DiffuseIT's first step diverges from its source
            self.previous = networks.token(self.source) if asked else None

    def terms(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """The terms that have a weight, unweighted, one value (B,) each, of predicted clean images (B, C, S, S).

        A call is a step: the next one's `semantic` term diverges from these images.
        """
        found = {}
        if "zecon" in self.weights:
            queries = encoded(self.unet, torch.cat([images, self.mask], 1))
            found["zecon"] = losses.contrastive(queries, self.keys, self._places(), self.settings.temperature)
        if "perceptual" in self.weights:
            found["perceptual"] = losses.perceptual(self.networks.maps(images), self.maps)
        if "mse" in self.weights:
            found["mse"] = losses.squared(images, self.source)
        if self.target_token is not None and self.previous is not None:
            token = self.networks.token(images)
            found["token"] = losses.squared(token, self.target_token)
            found["semantic"] = losses.divergence(token, self.previous)
            self.previous = token.detach()
        if "l2" in self.weights:
            found["l2"] = losses.squared(images, self.target)
        if "range" in self.weights:
            found["range"] = losses.out_of_range(images)
        return {name: found[name] for name in self.weights}

    def loss(self, images: torch.Tensor) -> torch.Tensor:
        """Their weighted sum (B,)."""
        return torch.stack([self.weights[name] * term for name, term in self.terms(images).items()]).sum(0)

    def _places(self) -> list[torch.Tensor]:
        drawn = [
            torch.stack([torch.randperm(key[0, 0].numel(), generator=own)[: self.settings.patches] for own in self.patches])
            for key in self.keys
        ]
        return [place.to(self.mask.device) for place in drawn]
