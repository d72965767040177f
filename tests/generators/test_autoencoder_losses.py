"""What an autoencoder's loss may have besides L1: perceptual distance, a discriminator of patches, a classifier."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torchvision.models import vgg16

from synthtrace import compute, perceptual
from synthtrace.cards import read_card
from synthtrace.errors import InputError
from synthtrace.generators import autoencoder, patch_discriminator
from synthtrace.generators.autoencoder_training import AdversarialTraining
from synthtrace.generators.batches import CropBatches, TrainingImages
from synthtrace.generators.patch_discriminator import hinge
from synthtrace.generators.train_autoencoder import train_autoencoder, training
from synthtrace.generators.training import fit
from synthtrace.images import file_sha256
from synthtrace.params import Params
from synthtrace.seeds import Seeds

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict of VGG16 with random weights, without its large linear layers."""
    path = tmp_path_factory.mktemp("weights") / "vgg16.pth"
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = vgg16(weights=None).features.state_dict(prefix="features.")
    torch.save({name: 0.05 * torch.randn(value.shape) for name, value in shapes.items()}, path)
    return path


@pytest.fixture(scope="module")
def lpips(weights: Path) -> perceptual.Lpips:
    return perceptual.load(str(weights), "autoencoder.perceptual")


def with_autoencoder(params: Params, **settings: Any) -> Params:
    return params.model_copy(update={"autoencoder": params.autoencoder.model_copy(update=settings)})


def trained(
    folder: Path, params: Params, source: TrainingImages, manifest: pd.DataFrame, tracker: Any, start: Path | None = None
) -> dict[str, Any]:
    """The card of an autoencoder of fold 1."""
    train_autoencoder(source, manifest, params, "shared", 1, folder, tracker, CPU, start)
    return read_card(folder)


def test_lpips_takes_the_weights_of_a_local_file(lpips: perceptual.Lpips, weights: Path) -> None:
    state = torch.load(weights, weights_only=True)
    network = lpips.network.net
    assert torch.equal(network.slice1.state_dict()["0.weight"], state["features.0.weight"])
    assert torch.equal(network.slice5.state_dict()["28.bias"], state["features.28.bias"])
    assert lpips.sha256 == file_sha256(weights)
    assert not any(weight.requires_grad for weight in lpips.parameters())


def test_lpips_is_zero_for_equal_images_alone_and_grey_is_three_equal_channels(lpips: perceptual.Lpips) -> None:
    first, second = torch.rand(2, 3, 1, 16, 16, generator=compute.generator(0)) * 2 - 1
    assert torch.equal(lpips(first, first), torch.zeros(3))
    assert (lpips(first, second) > 0).all()
    assert torch.equal(lpips(first, second), lpips(first.expand(-1, 3, -1, -1), second.expand(-1, 3, -1, -1)))


def test_loading_lpips_draws_nothing_from_the_global_generator(weights: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    perceptual.load(str(weights), "x")
    assert torch.equal(torch.rand(2), expected)


def test_weights_that_are_not_there_or_of_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"autoencoder.perceptual: '.*none.pth': no such file; expected null, a reachable hub"):
        perceptual.load(str(tmp_path / "none.pth"), "autoencoder.perceptual")
    torch.save({"features.0.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"autoencoder.perceptual: .*other.pth' cannot be loaded"):
        perceptual.load(str(tmp_path / "other.pth"), "autoencoder.perceptual")


def test_the_perceptual_term_has_its_weight_and_its_file_stands_in_the_card(
    tmp_path: Path, weights: Path, params: Params, source: TrainingImages, manifest: pd.DataFrame, tracker: object
) -> None:
    cards = {}
    for weight in (None, 0.0, 1.0):
        own = with_autoencoder(params, steps=2, perceptual=str(weights) if weight is not None else None)
        own = with_autoencoder(own, perceptual_weight=weight or 0.0)
        cards[weight] = trained(tmp_path / str(weight), own, source, manifest, tracker)
    assert cards[None]["perceptual"] is None
    assert cards[1.0]["perceptual"] == file_sha256(weights)
    assert cards[0.0]["weights"] == cards[None]["weights"] != cards[1.0]["weights"]
    assert cards[1.0]["losses"]["last_tenth"] > cards[0.0]["losses"]["last_tenth"]


@pytest.mark.parametrize(("side", "patch"), [(16, 16), (32, 16), (96, 34), (256, 70)])
def test_an_output_of_the_discriminator_sees_a_patch(side: int, patch: int) -> None:
    model = patch_discriminator.build(3, 8, side).eval()
    image = torch.randn(1, 3, side, side, requires_grad=True)
    judged = model(image)
    middle = judged.shape[-1] // 2
    judged[0, 0, middle, middle].backward()
    assert image.grad is not None
    seen = image.grad.abs().sum(dim=(0, 1)).nonzero()
    extent = seen.max(dim=0).values - seen.min(dim=0).values + 1
    assert extent.tolist() == [patch, patch] or side == patch  # there, the margin is part of what is seen


def test_the_hinge_loss_is_zero_beyond_the_margin() -> None:
    assert hinge(torch.tensor([1.0, 3.0]), torch.tensor([-1.0, -2.0])) == 0
    assert hinge(torch.tensor([0.5]), torch.tensor([0.0])) == pytest.approx((0.5 + 1) / 2)


def adversarial(params: Params, source: TrainingImages, tracker: Any, start: int, steps: int) -> AdversarialTraining:
    settings = with_autoencoder(params, steps=steps, adversarial_weight=0.5, adversarial_start=start).autoencoder
    seeds, names = Seeds(0), ("t",)
    compute.seed_everything(0)
    model = autoencoder.build(settings, 16, 1)
    module = training(model, settings, seeds, names, 16, decoder_only=False, terms=[])
    assert isinstance(module, AdversarialTraining)
    batches = CropBatches(source, size=16, crop_scale=0.64, batch_size=8, steps=steps, seeds=seeds, names=names)
    fit(module, batches, CPU, "float32", tracker, "t")
    return module


def test_the_discriminator_starts_at_its_step(params: Params, source: TrainingImages, tracker: Any) -> None:
    at_last, never = (adversarial(params, source, tracker, start, 3) for start in (2, 3))
    compute.seed_everything(Seeds(0).integer("t", "discriminator"))
    fresh = patch_discriminator.build(1, 8, 16).state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in never.discriminator.state_dict().items())
    changed = at_last.discriminator.state_dict()
    assert not torch.equal(changed["0.weight"], fresh["0.weight"])
    first, second = (part.autoencoder.state_dict() for part in (at_last, never))
    assert any(not torch.equal(value, second[name]) for name, value in first.items())


def test_before_its_step_training_is_as_without_a_discriminator(
    tmp_path: Path, params: Params, source: TrainingImages, manifest: pd.DataFrame, tracker: object
) -> None:
    plain, waiting, judged = (
        trained(tmp_path / str(number), with_autoencoder(params, steps=4, **own), source, manifest, tracker)
        for number, own in enumerate(
            ({}, {"adversarial_weight": 0.5, "adversarial_start": 4}, {"adversarial_weight": 0.5, "adversarial_start": 0})
        )
    )
    assert plain["weights"] == waiting["weights"] != judged["weights"]


def test_a_discriminator_tells_noise_from_flat_images_and_pushes_a_decoder_to_noise(params: Params) -> None:
    """Known answer: real images are black and white noise, L1 alone makes the flat grey that is nearest to all of them."""
    rng = np.random.default_rng(0)
    noise = TrainingImages((rng.random((64, 1, 16, 16)) < 0.5).astype(np.uint8) * 255, None, np.zeros(64, int), ["x"] * 64)
    spreads = []
    for weight in (0.0, 1.0):
        own = with_autoencoder(params, adversarial_weight=weight, adversarial_start=0, steps=60, learning_rate=3e-3)
        compute.seed_everything(0)
        # a single latent value an 8x8 patch: the pixels cannot be told from it
        model = autoencoder.build(own.autoencoder.model_copy(update={"channels": [8] * 4, "latent_channels": 1}), 16, 1)
        module = training(model, own.autoencoder, Seeds(0), ("t",), 16, decoder_only=False, terms=[])
        batches = CropBatches(noise, size=16, crop_scale=1.0, batch_size=16, steps=60, seeds=Seeds(0), names=("t",))

        class Silent:
            def log(self, values: dict[str, float], step: int) -> None: ...

        fit(module, batches, CPU, "float32", Silent(), "t")  # type: ignore[arg-type]
        space = autoencoder.LatentSpace(model, 1)
        images = torch.from_numpy(noise.images[:16]).float() / 127.5 - 1
        spreads.append(space.decode(space.encode(images, compute.generator(0))).std().item())
    assert spreads[1] > 1.5 * spreads[0]


@pytest.fixture
def tuned_cards(
    tmp_path: Path,
    params: Params,
    autoencoder_folder: Path,
    source: TrainingImages,
    manifest: pd.DataFrame,
    tracker: object,
) -> dict[float, dict[str, Any]]:
    """Cards of decoders tuned for one step, by the weight of the classifier; folders are called after it."""
    cards = {}
    for weight in (0.0, 1.0):
        tuning = params.autoencoder.tuning.model_copy(update={"steps": 1, "classifier_weight": weight})
        own = with_autoencoder(params, tuning=tuning)
        cards[weight] = trained(tmp_path / str(weight), own, source, manifest, tracker, autoencoder_folder)
    return cards


def test_the_classifier_is_trained_first_and_changes_the_decoder_alone(
    tuned_cards: dict[float, dict[str, Any]], tmp_path: Path, autoencoder_folder: Path, source: TrainingImages
) -> None:
    before = autoencoder.load(autoencoder_folder).state_dict()
    without, judged = (autoencoder.load(tmp_path / str(weight)).state_dict() for weight in (0.0, 1.0))
    changed = {name.split(".")[0] for name in before if not torch.equal(without[name], judged[name])}
    assert changed == {"decoder", "post_quant_conv"}
    assert all(torch.equal(before[name], judged[name]) for name in before if name.split(".")[0] in ("encoder", "quant_conv"))
    assert (set(tuned_cards[0.0]["losses"]), set(tuned_cards[1.0]["losses"])) == ({"last_tenth"}, {"classifier", "last_tenth"})


def test_the_card_names_what_the_classifier_saw_too(tuned_cards: dict[float, dict[str, Any]], source: TrainingImages) -> None:
    assert len(tuned_cards[0.0]["image_ids"]) == 8  # the batch of the only step
    assert tuned_cards[1.0]["image_ids"] == source.image_ids
    assert tuned_cards[1.0]["steps"] == 1


def test_tuning_has_steps_batch_and_learning_rate_of_its_own(
    tmp_path: Path, params: Params, source: TrainingImages, manifest: pd.DataFrame, tracker: Any, autoencoder_folder: Path
) -> None:
    tuning = params.autoencoder.tuning.model_copy(update={"steps": 3, "batch_size": 2, "learning_rate": 0.25})
    rates: list[float] = []
    tracker.log = lambda values, step: rates.append(values["learning_rate"])
    card = trained(tmp_path, with_autoencoder(params, tuning=tuning), source, manifest, tracker, autoencoder_folder)
    assert (card["steps"], len(card["image_ids"])) == (3, 6)
    assert rates[0] == pytest.approx(0.25 * 0.75)  # of a cosine over three steps, after the first


def test_tuning_lowers_the_reconstruction_error_on_the_fold(
    tmp_path: Path, params: Params, manifest: pd.DataFrame, tracker: object, autoencoder_folder: Path
) -> None:
    """The fold's images are stripes, of which the pre-training on noise knows nothing."""
    phase = np.arange(12)[:, None, None] + np.arange(40)[None, None, :] + 0 * np.arange(40)[None, :, None]
    pixels = (127.5 + 100 * np.sin(phase / 3)).astype(np.uint8)[:, None]
    fold = TrainingImages(pixels, None, np.arange(12) % 2, [f"i{n:02d}" for n in range(12)])
    tuning = params.autoencoder.tuning.model_copy(update={"steps": 80, "learning_rate": 5e-3})
    trained(tmp_path, with_autoencoder(params, tuning=tuning), fold, manifest, tracker, autoencoder_folder)
    batch = CropBatches(fold, size=16, crop_scale=1.0, batch_size=12, steps=1, seeds=Seeds(9), names=("t",)).batch(0)
    errors = []
    for folder in (autoencoder_folder, tmp_path):
        space = autoencoder.LatentSpace(autoencoder.load(folder), 1)
        errors.append((space.decode(space.encode(batch.images, compute.generator(0))) - batch.images).abs().mean().item())
    assert errors[1] < 0.7 * errors[0]


def test_a_card_of_no_fold_names_no_tuning(
    tmp_path: Path, params: Params, source: TrainingImages, manifest: pd.DataFrame, tracker: Any, autoencoder_folder: Path
) -> None:
    """`pretrain` does not depend on it in dvc.yaml."""
    short = with_autoencoder(params, steps=1)
    train_autoencoder(source, manifest, short, "shared", None, tmp_path, tracker, CPU)
    assert "tuning" not in read_card(tmp_path)["params"]
