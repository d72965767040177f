"""Networks by their names in segmentation-models-pytorch, and weights that must fit."""

from pathlib import Path
from typing import get_args

import pytest
import torch
from safetensors.torch import save_file

from synthtrace.errors import InputError
from synthtrace.params.segmenter import Architecture
from synthtrace.segment.networks import check_network, create, save

SMALL = "tu-test_resnet"


@pytest.mark.parametrize("architecture", get_args(Architecture))
@pytest.mark.parametrize("channels", [1, 3])
def test_every_architecture_gives_a_logit_a_pixel(architecture: str, channels: int) -> None:
    network = create(architecture, "resnet18", channels).eval()
    assert network(torch.zeros(2, channels, 32, 32)).shape == (2, 1, 32, 32)


def test_unknown_and_unfit_encoders_are_told_before_any_training() -> None:
    check_network("unetplusplus", "se_resnext50_32x4d", 96)
    with pytest.raises(InputError, match="unknown encoder 'resnet19'; the nearest name is 'resnet1"):
        check_network("unet", "resnet19", 64)
    with pytest.raises(InputError, match="the nearest name is 'tu-"):
        check_network("unet", "tu-nothing", 64)
    with pytest.raises(InputError, match="no unetplusplus can be made with the encoder mit_b0"):
        check_network("unetplusplus", "mit_b0", 64)
    with pytest.raises(InputError, match="multiple of 32"):
        check_network("unet", SMALL, 72)


def test_the_encoder_of_a_kept_network_can_be_the_start_of_another_one(tmp_path: Path) -> None:
    torch.manual_seed(0)
    kept = create("unet", SMALL, 3)
    save(tmp_path, kept, "unet", SMALL)
    weights = str(tmp_path / "model.safetensors")
    torch.manual_seed(1)
    other = create("unet", SMALL, 3, weights)
    for name, value in kept.encoder.state_dict().items():
        assert torch.equal(value, other.encoder.state_dict()[name])
    assert not torch.equal(kept.segmentation_head[0].weight, other.segmentation_head[0].weight)
    grey = create("unet", SMALL, 1, weights)
    first = next(name for name, value in kept.encoder.state_dict().items() if value.ndim == 4)
    summed = kept.encoder.state_dict()[first].sum(dim=1, keepdim=True)
    assert torch.allclose(grey.encoder.state_dict()[first], summed, atol=1e-6)


def test_weights_that_are_not_there_or_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        create("unet", SMALL, 3, str(tmp_path / "none.pth"))
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(InputError, match="not a readable weights file"):
        create("unet", SMALL, 3, str(tmp_path / "text.pth"))
    save(tmp_path, create("unet", "resnet18", 3), "unet", "resnet18")
    with pytest.raises(InputError, match="found none for 'model"):
        create("unet", SMALL, 3, str(tmp_path / "model.safetensors"))
    assert create("unet", "resnet18", 1, str(tmp_path / "model.safetensors")).get_buffer("image_mean").item() == pytest.approx(
        0.449
    )
    state = create("unet", SMALL, 3).encoder.state_dict()
    cut = {name: value[:1].contiguous() if value.ndim == 4 else value for name, value in state.items()}
    save_file(cut, tmp_path / "cut.safetensors")
    with pytest.raises(InputError, match="has the shape"):
        create("unet", SMALL, 3, str(tmp_path / "cut.safetensors"))
