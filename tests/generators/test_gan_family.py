"""The GAN trains, stops when it fails, and draws as a pure function of noise and label."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.errors import InputError
from synthtrace.generators.batches import TrainingImages
from synthtrace.generators.gan.family import Gan
from synthtrace.generators.gan.generator import StyleGenerator
from synthtrace.generators.gan.training import GanTraining
from synthtrace.generators.gan.watch import LOST, WINDOW, Watch
from synthtrace.generators.protocol import Fitted, Job
from synthtrace.generators.train_generator import train_generator
from synthtrace.params import Drawing, Params, parse_params

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
PASS = Drawing("gan", 1, 1.0)
# pixel values of two classes, red and blue
COLOURS = np.array([[220, 60, 60], [40, 60, 200]], dtype=np.uint8)


class Kept:
    """Keeps what a training logs."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}

    def log(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def grid(self, name: str, images: np.ndarray) -> None:
        assert images.shape[2:] == (16, 16)


def small(channels: int, **own: Any) -> Params:
    tree: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["preprocess"].update(image_size=16, crop_size=16, channels=channels)
    gan = {"channels": [16, 16, 16], "latent_dim": 16, "batch_size": 8, "ada_images": 640, "ema_decay": 0.9}
    tree["families"]["gan"].update(gan | own)
    return parse_params(tree)


def job(params: Params, *, colours: bool = True) -> Job:
    labels, channels = np.arange(12) % 2, params.preprocess.channels
    if colours:
        images = np.broadcast_to(COLOURS[labels][:, :channels, None, None], (12, channels, 16, 16)).copy()
    else:
        images = np.random.default_rng(0).integers(0, 256, (12, channels, 16, 16), dtype=np.uint8)
    source = TrainingImages(images, None, labels, [f"i{number:02d}" for number in range(12)])
    return Job("gan", 0, source, params, Path(), Path(), Kept(), CPU)  # type: ignore[arg-type]


def noise_of(model: Gan, count: int) -> torch.Tensor:
    return torch.randn((count, *model.noise_shape), generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def learnt() -> tuple[Gan, Fitted, Job]:
    """Trained on two classes of one colour each."""
    task = job(small(3, steps=150, learning_rate=5e-3, r1_weight=0.1))
    return *Gan.train(task), task


def test_two_classes_of_one_colour_each_are_learnt(learnt: tuple[Gan, Fitted, Job]) -> None:
    model = learnt[0]
    noise = noise_of(model, 8)
    red, blue = (model.draw(noise, torch.full((8,), label), PASS).mean(dim=(0, 2, 3)) for label in (0, 1))
    assert red[0] > blue[0] + 0.5
    assert blue[2] > red[2] + 0.5


def test_a_training_tells_its_losses_its_images_and_how_much_it_augments(learnt: tuple[Gan, Fitted, Job]) -> None:
    _, fitted, task = learnt
    values = task.tracker.values  # type: ignore[attr-defined]
    assert fitted.steps == 150
    assert fitted.image_ids == set(task.source.image_ids)
    both = np.add(values["generator_loss"], values["discriminator_loss"])
    assert values["loss"] == pytest.approx(both, abs=1e-4)
    assert fitted.losses["last_tenth"] == pytest.approx(np.mean(values["loss"][-15:]))
    assert fitted.card["augmentation"] == {
        "probability": values["augmentation_probability"][-1],
        "real_sign": values["real_sign"][-1],
    }
    assert max(values["augmentation_probability"]) > 0


def test_drawing_is_a_pure_function_of_noise_and_label_within_the_range_of_pixels(learnt: tuple[Gan, Fitted, Job]) -> None:
    model, labels = learnt[0], torch.tensor([0, 1, 1, 0])
    noise = noise_of(model, 4)
    torch.manual_seed(1)
    first = model.draw(noise, labels, PASS)
    torch.manual_seed(2)
    assert torch.equal(model.draw(noise, labels, Drawing("other", 9, 3.0)), first)
    assert first.abs().max() <= 1
    assert not first.requires_grad
    assert not torch.equal(model.draw(noise, 1 - labels, PASS), first)
    assert not torch.equal(model.draw(noise.flip(0), labels, PASS), first)


def test_a_saved_generator_draws_the_same_images(learnt: tuple[Gan, Fitted, Job], tmp_path: Path) -> None:
    model, labels = learnt[0], torch.tensor([0, 1])
    noise = noise_of(model, 2)
    model.save(tmp_path)
    again = Gan.load(tmp_path, tmp_path, {}, 3, CPU)
    assert again.noise_shape == model.noise_shape
    assert torch.equal(again.draw(noise, labels, PASS), model.draw(noise, labels, PASS))
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["generator/config.json", "generator/diffusion_pytorch_model.safetensors"]


@pytest.mark.parametrize("channels", [1, 3])
def test_training_twice_gives_the_same_checkpoint_whatever_the_global_generators_hold(channels: int, tmp_path: Path) -> None:
    params = small(channels, steps=12, ada_images=64, ada_target=0.0)
    other = params.model_copy(update={"seed": params.seed + 1})
    digests = []
    for name, settings in (("a", params), ("b", params), ("c", other)):
        torch.manual_seed(len(digests))
        task = job(settings, colours=False)
        manifest = pd.DataFrame({"image_id": task.source.image_ids, "patient_id": task.source.image_ids})
        train_generator(task, manifest, tmp_path / name)
        assert max(task.tracker.values["augmentation_probability"]) > 0  # type: ignore[attr-defined]
        digests.append(checkpoint_digest(tmp_path / name))
    assert digests[0] == digests[1] != digests[2]
    card = read_card(tmp_path / "a")
    assert not {"space", "autoencoder", "latent"} & set(card)
    assert card["image_ids"] == sorted(task.source.image_ids)
    assert card["family"]["ada_images"] == 64


@pytest.mark.parametrize("own", [{"r1_weight": 1e38}, {"learning_rate": 1.0, "steps": 200}])
def test_a_training_that_leaves_the_numbers_or_explodes_stops_in_one_sentence(own: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^train_generator gan 0: the loss (is nan|has exploded).*lower its learning_rate$"):
        Gan.train(job(small(3, **({"steps": 20} | own)), colours=False))


def test_a_discriminator_that_has_won_and_a_collapsed_generator_are_told() -> None:
    real, same = torch.randn(8, 3, 4, 4), torch.zeros(8, 3, 4, 4)
    won, collapsed = Watch("here"), Watch("here")
    for _ in range(WINDOW - 1):
        won.see(LOST + 1, real, real)
        collapsed.see(1.0, same, real)
    with pytest.raises(InputError, match=r"^here: the discriminator has won: .* 26 over steps 0 to 99; expected at most 25"):
        won.see(LOST + 1, real, real)
    with pytest.raises(InputError, match=r"^here: mode collapse: .*steps 0 to 99 spread by 0 about .* at least 5% of it"):
        collapsed.see(1.0, same, real)


@pytest.mark.parametrize("batch", [1, 8])
def test_a_training_whose_losses_move_and_whose_images_differ_less_than_real_ones_goes_on(batch: int) -> None:
    real, healthy = torch.randn(batch, 3, 4, 4), Watch("here")
    for step in range(3 * WINDOW):
        healthy.see(60.0 if step % 7 == 0 else 1.0, 0.1 * real, real)


def test_the_penalty_is_the_squared_gradient_of_the_discriminator_at_real_images() -> None:
    class Sum(torch.nn.Module):
        def forward(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return 0.5 * images.sum(dim=(1, 2, 3)) * (labels + 1)

    generator = StyleGenerator([8, 8, 8], latent_dim=8, mapping_layers=1, classes=2, image_channels=3, start=4)
    params = small(3)
    module = GanTraining(generator, Sum(), params.family("gan"), job(params))  # type: ignore[arg-type]
    penalty = module._r1(torch.randn(2, 3, 16, 16), torch.tensor([0, 1]))
    # one squared derivative a pixel: 0.25 for label 0, 1 for label 1
    assert penalty.item() == pytest.approx(3 * 16 * 16 * (0.25 + 1) / 2)
