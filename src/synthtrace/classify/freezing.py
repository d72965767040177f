"""What of a backbone is frozen: the trunk keeps its weights and batch-norm statistics, the rest is trained (paper 0)."""

from dataclasses import dataclass

import torch
from timm.models import is_model_in_modules
from torch import nn

from synthtrace.errors import InputError
from synthtrace.params import Freezing

# timm's modules whose models `partial` can cut
RESNETS, EFFICIENTNETS = "resnet", "efficientnet"
FROZEN_BLOCKS = 5


@dataclass(frozen=True)
class Cut:
    """A model in two: images as the model expects them -> `trunk` -> activations at the boundary -> `rest` -> logits.

    Both share their layers with the model. The trunk is in evaluation mode.
    """

    trunk: nn.Module
    rest: nn.Module


def check_freezing(backbone: str, freezing: Freezing, parameter: str) -> None:
    """Raises InputError, naming `parameter`, when it is not known which layers of this backbone `partial` freezes."""
    if freezing == "partial" and not is_model_in_modules(backbone, [RESNETS, EFFICIENTNETS]):
        raise InputError(
            f"{parameter}: 'partial' knows timm's ResNets and EfficientNets (v1, v2), not {backbone!r}; expected none or all"
        )


def cut(model: nn.Module, backbone: str, freezing: Freezing) -> Cut:
    """Cut a model of `backbones.create` at the frozen boundary.

    `partial`: a ResNet's stem and first three stages are frozen, its last stage and head trained; an EfficientNet's stem and
    first five blocks are frozen, later blocks, last convolution and head trained. `all`: only the head is trained, on pooled
    features. `none` has no boundary.
    """
    if freezing == "all":
        return Cut(_BelowHead(model).eval(), _head(model))
    if is_model_in_modules(backbone, [RESNETS]):
        frozen = ["conv1", "bn1", "act1", "maxpool", "layer1", "layer2", "layer3"]
        trunk, trained = [model.get_submodule(name) for name in frozen], [model.get_submodule("layer4")]
    else:
        blocks = list(model.get_submodule("blocks").children())
        trunk = [model.get_submodule("conv_stem"), model.get_submodule("bn1"), *blocks[:FROZEN_BLOCKS]]
        trained = [*blocks[FROZEN_BLOCKS:], model.get_submodule("conv_head"), model.get_submodule("bn2")]
    return Cut(nn.Sequential(*trunk).eval(), nn.Sequential(*trained, model.get_submodule("global_pool"), *_head(model)))


def _head(model: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(getattr(model, "drop_rate", 0.0)), model.get_classifier())  # type: ignore[operator]


class _BelowHead(nn.Module):
    """Pooled features, as the classification head gets them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.model.forward_features(images)  # type: ignore[operator]
        return self.model.forward_head(features, pre_logits=True)  # type: ignore[operator]
