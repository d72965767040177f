"""The frozen-trunk cache: the answer of the full forward pass, computed once an image."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from toy_fold import CPU, recipe, some, toy_fold, toy_params

from synthtrace import backbones, compute
from synthtrace.classify.augment import flip
from synthtrace.classify.freezing import cut
from synthtrace.classify.grid import train_grid
from synthtrace.classify.trunk import Trunk
from synthtrace.params import Freezing
from synthtrace.seeds import Seeds

MIXED = toy_fold(lambda _, seed: some(10, "mixed", 7), 10)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def plain_margins(backbone: str, freezing: Freezing, seed: int, augmentation: str, weights: str | None) -> np.ndarray:
    """Logit margins of the test images by a loop that runs every layer in every step, written anew from the paper."""
    params = toy_params()
    settings, seeds, names = params.classifier, Seeds(params.seed), ("classify", backbone, 0, seed)
    images = MIXED.train + MIXED.mixed(None, seed)
    compute.seed_everything(seeds.integer(*names, "init"))
    model = backbones.create(backbone, 2, 1, weights)
    if weights is None:
        backbones.standardise(model, MIXED.train.images)
    model.requires_grad_(freezing == "none").train(freezing == "none")
    if freezing != "none":
        cut(model, backbone, freezing).rest.requires_grad_(True).train()
    optimiser = torch.optim.AdamW(
        [weight for weight in model.parameters() if weight.requires_grad],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    shuffle = seeds.stream(*names, "batches")
    order = np.concatenate([shuffle.permutation(20), shuffle.permutation(20)])
    noise = compute.generator(seeds.integer(*names, "augment"))
    for step in range(3):
        optimiser.param_groups[0]["lr"] = settings.learning_rate * (1 + np.cos(np.pi * step / 3)) / 2
        index = order[8 * step : 8 * step + 8]
        batch = torch.from_numpy(images.images[index]).float()
        if augmentation == "flip":
            batch = flip(batch, noise)
        loss = functional.cross_entropy(model(backbones.normalise(model, batch)), torch.from_numpy(images.labels[index]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        logits = model.eval()(backbones.normalise(model, torch.from_numpy(MIXED.test.images)))
    return (logits[:, 1] - logits[:, 0]).numpy()


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet"])
@pytest.mark.parametrize("freezing", ["none", "partial", "all"])
@pytest.mark.parametrize("augmentation", ["none", "flip"])
@pytest.mark.parametrize("pretrained", [False, True])
def test_predictions_are_those_of_the_full_forward_pass_for_every_seed(
    backbone: str, freezing: Freezing, augmentation: str, pretrained: bool, tmp_path: Path
) -> None:
    weights = None
    if pretrained:
        compute.seed_everything(3)
        weights = str(tmp_path / "weights.safetensors")
        save_file(backbones.create(backbone, 5, 3).state_dict(), weights)
    params = toy_params(weights=weights)
    wanted = recipe(backbone=backbone, freezing=freezing, rates=[1.0], augmentation=augmentation)
    for trained in train_grid([MIXED], [wanted], params, CPU):
        found = np.log(trained.predictions["p1"] / trained.predictions["p0"])
        expected = plain_margins(backbone, freezing, trained.seed, augmentation, weights)
        np.testing.assert_allclose(found, expected, atol=1e-4, rtol=0)


class Counting(nn.Module):
    """Doubles what it gets, and counts it."""

    def __init__(self) -> None:
        super().__init__()
        self.images = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.images += len(images)
        return 2 * images


def counting(capacity: int, mirror: bool) -> tuple[Trunk, Counting, nn.Module]:
    model, module = backbones.create("test_resnet", 2, 1), Counting()
    return Trunk(model, module, mirror=mirror, capacity=capacity, device=CPU), module, model


def test_each_image_and_its_mirror_image_is_computed_once() -> None:
    trunk, module, model = counting(8, mirror=True)
    images = some(6, "i", 0).images
    first = trunk.rows(images[:4])
    again = trunk.rows(images[[5, 1, 0, 1, 4]])
    assert module.images == 2 * 6
    assert again[1] == again[3] == first[1]
    expected = 2 * backbones.normalise(model, torch.from_numpy(images[[5, 1, 0, 1, 4]]))
    assert torch.equal(trunk.values[again, 0], expected)
    assert torch.equal(trunk.values[again, 1], expected.flip(-1))


def test_old_images_make_way_for_new_ones_but_never_those_asked_for() -> None:
    trunk, module, model = counting(5, mirror=False)
    images = some(9, "i", 0).images
    trunk.rows(images[:5])
    rows = trunk.rows(images[[0, 5, 6, 7]])
    assert module.images == 8
    assert torch.equal(trunk.values[rows, 0], 2 * backbones.normalise(model, torch.from_numpy(images[[0, 5, 6, 7]])))
    with pytest.raises(IndexError):
        trunk.rows(images)


def test_seeds_and_rates_share_a_pretrained_trunk_and_seeds_without_weights_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr("synthtrace.classify.grid.Trunk", lambda *args, **kwargs: made.append(1) or Trunk(*args, **kwargs))
    weights = tmp_path / "weights.safetensors"
    save_file(backbones.create("test_resnet", 2, 3).state_dict(), weights)
    runs = [recipe(freezing="partial", rates=[0.5, 1.0]), recipe(freezing="partial", balanced=True)]
    list(train_grid([MIXED], runs, toy_params(weights=str(weights)), CPU))
    assert len(made) == 1
    list(train_grid([MIXED], runs, toy_params(), CPU))
    assert len(made) == 1 + 4
