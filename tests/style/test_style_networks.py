"""The networks behind the terms: in-domain, VGG16 or a vision transformer, frozen, named as what they are."""

from pathlib import Path

import pytest
import timm
import torch
from disc_pairs import CPU, discs, extractor, settings
from safetensors.torch import save_file
from torchvision.models import vgg16

from synthtrace import backbones
from synthtrace.errors import InputError
from synthtrace.generators.style.networks import Networks, load_networks
from synthtrace.images import file_sha256


def images(channels: int = 3) -> torch.Tensor:
    return discs(2, 0)[:, :channels]


def check(found: Networks, channels: int, maps: int, token: int) -> None:
    """Two maps and a token an image, through which gradients flow to the images alone."""
    given = images(channels).requires_grad_()
    seen, tokens = found.maps(given), found.token(given)
    assert [one.shape[:2] for one in seen] == [(2, maps), (2, maps if maps < 64 else 2 * maps)]
    assert tokens.shape == (2, token)
    for value in (*seen, tokens):
        (gradient,) = torch.autograd.grad(value.square().sum(), given, retain_graph=True)
        assert gradient.abs().sum() > 0


@pytest.mark.parametrize("channels", [1, 3])
def test_the_in_domain_network_sees_what_the_backbone_sees(channels: int) -> None:
    model = extractor(channels)
    found = load_networks(settings(), model, "test_resnet", CPU)
    check(found, channels, maps=32, token=96)
    assert found.names == {
        "perceptual": "in-domain test_resnet, first two stages",
        "token": "in-domain test_resnet, pooled features",
    }
    assert not model.training
    assert not any(weight.requires_grad for weight in model.parameters())
    drawn = torch.randint(0, 256, (2, channels, 16, 16), dtype=torch.uint8)
    embedded = torch.from_numpy(backbones.embed(model, drawn))
    assert torch.allclose(found.token(drawn / 127.5 - 1), embedded, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_local_files_of_vgg16_and_of_a_transformer_are_used_and_named_with_their_digests(channels: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = vgg16(weights=None).features.state_dict(prefix="features.")
    vgg, vit = tmp_path / "vgg.pth", tmp_path / "vit.safetensors"
    torch.save({name: 0.05 * torch.randn(value.shape) for name, value in shapes.items()}, vgg)
    transformer = timm.create_model("test_vit", num_classes=0).eval()
    save_file(transformer.state_dict(), vit)
    asked = settings(perceptual=str(vgg), token={"backbone": "test_vit", "weights": str(vit)})
    own, before = extractor(channels), torch.get_rng_state()
    found = load_networks(asked, own, "test_resnet", CPU)
    assert torch.equal(before, torch.get_rng_state())
    check(found, channels, maps=64, token=64)
    assert found.names == {
        "perceptual": f"vgg16, vgg.pth (sha256 {file_sha256(vgg)[:12]}), relu1_2 and relu2_2",
        "token": f"test_vit, vit.safetensors (sha256 {file_sha256(vit)[:12]}), class token",
    }
    if channels == 3:
        resized = torch.nn.functional.interpolate(images(), size=(160, 160), mode="bilinear", antialias=True)
        assert torch.allclose(found.token(images()), transformer.forward_features(resized)[:, 0], atol=1e-4)


def test_files_that_are_not_there_or_of_something_else_are_refused_by_their_parameter(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pth"
    torch.save({"weight": torch.zeros(1)}, wrong)
    for path in (tmp_path / "missing.pth", wrong):
        with pytest.raises(InputError, match=r"^style\.perceptual: "):
            load_networks(settings(perceptual=str(path)), extractor(), "test_resnet", CPU)
        with pytest.raises(InputError, match=r"^style\.token\.weights: "):
            token = {"backbone": "test_vit", "weights": str(path)}
            load_networks(settings(token=token), extractor(), "test_resnet", CPU)


def test_a_backbone_that_is_unknown_or_has_no_class_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"style\.token\.backbone: timm has no model 'test_vot'"):
        load_networks(settings(token={"backbone": "test_vot", "weights": "imagenet"}), extractor(), "test_resnet", CPU)
    path = tmp_path / "resnet.safetensors"
    save_file(timm.create_model("test_resnet").state_dict(), path)
    with pytest.raises(InputError, match="test_resnet has no class token"):
        load_networks(settings(token={"backbone": "test_resnet", "weights": str(path)}), extractor(), "test_resnet", CPU)
