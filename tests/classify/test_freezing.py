"""Freezing: which layers are trained, and that the others stay as they are."""

import pytest
import torch
from toy_fold import CPU, recipe, some, toy_fold, toy_params

from synthtrace import backbones
from synthtrace.classify.freezing import cut
from synthtrace.classify.grid import train_grid
from synthtrace.classify.recipes import check_recipes
from synthtrace.errors import InputError
from synthtrace.params import Freezing

RESNET_TRUNK = ("conv1.", "bn1.", "layer1.", "layer2.", "layer3.")
EFFICIENTNET_TRUNK = ("conv_stem.", "bn1.", "blocks.0.", "blocks.1.", "blocks.2.", "blocks.3.", "blocks.4.")


def trained_names(backbone: str, freezing: Freezing) -> set[str]:
    """Names, in the model, of the parameters below `rest`."""
    model = backbones.create(backbone, 2, 1)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(parameter)] for parameter in cut(model, backbone, freezing).rest.parameters()}


@pytest.mark.parametrize(
    ("backbone", "trunk"),
    [
        ("resnet50", RESNET_TRUNK),
        ("efficientnet_b0", EFFICIENTNET_TRUNK),
        ("tf_efficientnetv2_b0", EFFICIENTNET_TRUNK),
    ],
)
def test_partial_trains_all_that_lies_behind_the_paper_s_frozen_blocks(backbone: str, trunk: tuple[str, ...]) -> None:
    every = {name for name, _ in backbones.create(backbone, 2, 1).named_parameters()}
    assert trained_names(backbone, "partial") == {name for name in every if not name.startswith(trunk)}


@pytest.mark.parametrize(
    ("backbone", "head"), [("test_resnet", "fc"), ("test_efficientnet", "classifier"), ("test_vit", "head")]
)
def test_all_trains_the_head_alone(backbone: str, head: str) -> None:
    assert trained_names(backbone, "all") == {f"{head}.weight", f"{head}.bias"}


def test_partial_is_refused_by_name_for_a_backbone_without_known_blocks() -> None:
    with pytest.raises(InputError, match=r"^curve.runs: .*ResNets and EfficientNets.*'test_vit'; expected .*none or all$"):
        check_recipes([recipe(backbone="test_vit", freezing="partial")], 32, "curve.runs")
    check_recipes([recipe(backbone="test_vit", freezing="all")], 32, "curve.runs")


def test_an_image_size_that_a_transformer_cannot_cut_into_patches_is_refused_by_name() -> None:
    check_recipes([recipe(backbone="test_vit"), recipe()], 48, "curve.runs")
    with pytest.raises(InputError, match=r"^curve.runs: test_vit .* preprocess.image_size 40; expected a multiple of 16, "):
        check_recipes([recipe(backbone="test_vit")], 40, "curve.runs")
    check_recipes([recipe()], 40, "curve.runs")


def test_an_unknown_backbone_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"^classifier.backbones: timm has no model 'resnet5O'; the nearest name is 'resnet5"):
        check_recipes([recipe(backbone="resnet5O")], 32, "classifier.backbones")


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet"])
@pytest.mark.parametrize("freezing", ["partial", "all"])
def test_frozen_weights_and_batch_norm_statistics_stay_to_the_bit_and_the_rest_moves(backbone: str, freezing: Freezing) -> None:
    torch.set_num_threads(1)
    data = toy_fold(lambda _, seed: some(10, "mixed", 5), 10)
    wanted = recipe(backbone=backbone, freezing=freezing, seeds=1, rates=[1.0])
    before, after = (
        next(iter(train_grid([data], [wanted], toy_params(learning_rate=rate), CPU))).model for rate in (1e-30, 1e-2)
    )
    start = dict(before.named_parameters()) | dict(before.named_buffers())
    rest = {id(tensor) for part in (cut(after, backbone, freezing).rest,) for tensor in (*part.parameters(), *part.buffers())}
    frozen = 0
    for name, tensor in (*after.named_parameters(), *after.named_buffers()):
        if id(tensor) not in rest:
            assert torch.equal(tensor, start[name]), name
            frozen += 1
        elif "running" not in name and "num_batches" not in name:
            assert not torch.equal(tensor, start[name]), name
    assert frozen > 5
    statistics = [tensor for name, tensor in start.items() if "running_mean" in name]
    assert (statistics[0] == 0).all(), "a frozen trunk with random weights has the statistics of its initialisation"
