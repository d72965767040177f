"""`guided`: the classifier's part in a step, its latent space, training, replay."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from synthtrace import compute
from synthtrace.cards import checkpoint_digest, read_card, write_card
from synthtrace.errors import InputError
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import TrainingImages
from synthtrace.generators.checkpoints import load_generator
from synthtrace.generators.denoiser import Denoiser
from synthtrace.generators.diffusion import SCHEDULES, Noising, denoise
from synthtrace.generators.guidance import GuidedPrediction
from synthtrace.generators.guided import Guided
from synthtrace.generators.protocol import Job
from synthtrace.generators.train_autoencoder import train_autoencoder
from synthtrace.generators.train_generator import train_generator
from synthtrace.generators.unconditional import pretrain_denoiser
from synthtrace.params import Drawing, Params

CPU = torch.device("cpu")
NOISINGS = [Noising(schedule, kind) for schedule in SCHEDULES for kind in ("epsilon", "v_prediction")]


class Linear:
    """Log p(y | z) = y * <slope, z>: its gradient is known."""

    slope = torch.randn(4, 8, 8, generator=compute.generator(1))

    def log_probability(self, values: torch.Tensor, timesteps: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return labels * (values * self.slope).sum(dim=(1, 2, 3))


class Clean(Denoiser):
    """Knows the clean latent."""

    clean = torch.randn(4, 8, 8, generator=compute.generator(2))

    def __init__(self, noising: Noising) -> None:
        super().__init__()
        self.velocity, self.shares = noising.prediction_type == "v_prediction", noising.training().alphas_cumprod

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        share = self.shares[timesteps][:, None, None, None]
        noise = (latents - share.sqrt() * self.clean) / (1 - share).sqrt()
        return share.sqrt() * noise - (1 - share).sqrt() * self.clean if self.velocity else noise


def noise_of(noising: Noising, predicted: torch.Tensor, latents: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
    """A prediction as noise; a velocity is v = sqrt(abar) eps - sqrt(1 - abar) x (Salimans and Ho 2022)."""
    share = noising.training().alphas_cumprod[timesteps][:, None, None, None]
    return share.sqrt() * predicted + (1 - share).sqrt() * latents if noising.prediction_type == "v_prediction" else predicted


@pytest.mark.parametrize("noising", NOISINGS, ids=str)
def test_the_noise_moves_by_the_scale_times_its_share_times_the_gradient(noising: Noising) -> None:
    latents, timesteps = torch.randn(3, 4, 8, 8, generator=compute.generator(0)), torch.tensor([10, 500, 900])
    labels = torch.tensor([0, 1, 2])
    model = Clean(noising)
    plain, guided = (
        model(latents, timesteps, labels),
        GuidedPrediction(model, Linear(), noising, 2.5)(latents, timesteps, labels),
    )
    moved = noise_of(noising, guided, latents, timesteps) - noise_of(noising, plain, latents, timesteps)
    share = noising.training().alphas_cumprod[timesteps][:, None, None, None]
    expected = -2.5 * (1 - share).sqrt() * labels[:, None, None, None] * Linear.slope
    assert torch.allclose(moved, expected, atol=1e-4)
    assert torch.equal(guided[0], plain[0])


@pytest.mark.parametrize("noising", NOISINGS, ids=str)
def test_a_step_of_ddim_leads_up_the_gradient(noising: Noising) -> None:
    """The last step lands on the clean latent, so the guided one on it plus g (1 - abar) / sqrt(abar) times the gradient."""
    noise, labels = torch.randn(2, 4, 8, 8, generator=compute.generator(0)), torch.tensor([0, 1])
    guided = GuidedPrediction(Clean(noising), Linear(), noising, 0.01)
    drawing = Drawing("ddim", 1, 1.0)
    share = noising.training().alphas_cumprod[noising.sampler("ddim", 1).timesteps[0]]
    drawn = denoise(guided, noise, labels, noising, drawing)
    assert torch.allclose(drawn[0], Clean.clean, atol=1e-3)
    moved = 0.01 * (1 - share) / share.sqrt() * Linear.slope
    assert torch.allclose(drawn[1], Clean.clean + moved, atol=2e-3 * moved.abs().max().item())


@pytest.mark.parametrize("sampler", ["ddim", "dpmsolver++"])
@pytest.mark.parametrize("noising", NOISINGS, ids=str)
def test_a_scale_of_zero_is_unguided_to_the_bit(noising: Noising, sampler: str) -> None:
    noise, labels, drawing = torch.randn(2, 4, 8, 8), torch.tensor([0, 1]), Drawing(sampler, 4, 1.0)
    model = Clean(noising)
    plain = denoise(model, noise, labels, noising, drawing)
    none, little = (
        denoise(GuidedPrediction(model, Linear(), noising, scale), noise, labels, noising, drawing) for scale in (0.0, 0.1)
    )
    assert torch.equal(plain, none)
    assert not torch.equal(plain[1], little[1])


@pytest.fixture(scope="module")
def dark_and_bright() -> TrainingImages:
    """Class 0 is dark, class 1 bright, each with some texture; 24 images."""
    noise = np.random.default_rng(0).normal(0, 0.1, (24, 1, 16, 16))
    means = np.where(np.arange(24) % 2, 0.5, -0.5)[:, None, None, None]
    images = ((means + noise + 1) * 127.5).round().astype(np.uint8)
    return TrainingImages(images, None, np.arange(24) % 2, [f"i{number}" for number in range(24)])


@pytest.fixture(scope="module")
def longer(params: Params) -> Params:
    """Long enough to learn dark from bright."""
    given = {"steps": 150}
    tuning = params.autoencoder.tuning.model_copy(update={"steps": 10})
    settings = {"steps": 120, "learning_rate": 4e-3, "ema_decay": 0.9}
    guided = params.family("guided").model_copy(
        update={"classifier_steps": 200, "classifier_batch_size": 16, "classifier_learning_rate": 3e-3}
    )
    return params.model_copy(
        update={
            "autoencoder": params.autoencoder.model_copy(update={"mode": "decoder", "tuning": tuning, **given}),
            "generator": params.generator.model_copy(update=settings),
            "families": params.families.model_copy(update={"guided": guided}),
        }
    )


@pytest.fixture(scope="module")
def brief(longer: Params) -> Params:
    """The same with a classifier, and a denoiser where there is one to train, of three steps."""
    guided = longer.family("guided").model_copy(update={"classifier_steps": 3})
    families = longer.families.model_copy(update={"guided": guided})
    return longer.model_copy(update={"families": families, "generator": longer.generator.model_copy(update={"steps": 3})})


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory, longer: Params, dark_and_bright: TrainingImages) -> Path:
    """Pre-trained on the even half: autoencoders/shared and its denoiser; fold0 holds its tuned decoder."""
    folder, tracker = tmp_path_factory.mktemp("pretrained"), silent()
    half = TrainingImages(dark_and_bright.images[:12], None, np.zeros(12, np.int64), [f"u{n}" for n in range(12)])
    manifest = pd.DataFrame({"image_id": half.image_ids, "patient_id": half.image_ids})
    train_autoencoder(half, manifest, longer, "shared", None, folder / "autoencoders/shared", tracker, CPU)
    pretrain_denoiser(half, manifest, longer, "guided", folder / "autoencoders", folder / "denoiser", tracker, CPU)
    start, own = folder / "autoencoders/shared", named(dark_and_bright)
    train_autoencoder(dark_and_bright, own, longer, "shared", 0, folder / "fold0/shared", tracker, CPU, start)
    return folder


def silent() -> Any:
    class Silent:
        def log(self, values: dict[str, float], step: int) -> None: ...

        def curve(self, name: str, losses: list[float], learning_rates: list[float]) -> None: ...

        def grid(self, name: str, images: np.ndarray) -> None: ...

    return Silent()


def named(source: TrainingImages) -> pd.DataFrame:
    return pd.DataFrame({"image_id": source.image_ids, "patient_id": source.image_ids})


@pytest.fixture(scope="module")
def jobs(job: Callable[..., Job], longer: Params, pretrained: Path, dark_and_bright: TrainingImages) -> Callable[..., Job]:
    def made(**other: Any) -> Job:
        usual = {"params": longer, "source": dark_and_bright, "autoencoders": pretrained / "fold0"}
        return job("guided", **(usual | {"pretrained": pretrained / "denoiser"} | other))

    return made


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, jobs: Callable[..., Job], dark_and_bright: TrainingImages) -> Path:
    folder = tmp_path_factory.mktemp("guided")
    train_generator(jobs(), named(dark_and_bright), folder)
    return folder


def test_a_pre_trained_denoiser_says_what_it_saw_and_where(pretrained: Path) -> None:
    card = read_card(pretrained / "denoiser")
    assert (card["kind"], card["space"], card.get("fold")) == ("denoiser", "shared", None)
    assert card["image_ids"] == sorted(f"u{n}" for n in range(12)) == card["patient_ids"]
    assert card["autoencoder"] == checkpoint_digest(pretrained / "autoencoders/shared")
    assert list(card["weights"]) == ["unet/diffusion_pytorch_model.safetensors"]
    # what `pretrain_denoiser` does not depend on in dvc.yaml
    assert not {"condition_dropout", "balanced", "map_classes", "kinds"} & set(card["params"])


def test_latents_of_the_pre_training_have_unit_deviation(pretrained: Path, dark_and_bright: TrainingImages) -> None:
    latent = read_card(pretrained / "denoiser")["latent"]
    space = LatentSpace(autoencoder.load(pretrained / "autoencoders/shared"), 1, latent["shift"], latent["scale"])
    images = torch.from_numpy(dark_and_bright.images[:12]).float() / 127.5 - 1
    assert abs(space.encode(images, compute.generator(3)).std().item() - 1) < 0.05


def test_encoder_and_denoiser_stay_as_they_were(trained: Path, pretrained: Path) -> None:
    card, denoiser = read_card(trained), read_card(pretrained / "denoiser")
    assert card["denoiser"] == checkpoint_digest(pretrained / "denoiser")
    assert card["autoencoder"] == checkpoint_digest(pretrained / "fold0/shared")
    assert card["latent"] == denoiser["latent"]
    name = "unet/diffusion_pytorch_model.safetensors"
    assert card["weights"][name] == denoiser["weights"][name]
    assert sorted(card["weights"]) == ["classifier/diffusion_pytorch_model.safetensors", name]
    assert set(card["image_ids"]) == {f"i{number}" for number in range(24)}
    before, after = (
        autoencoder.load(pretrained / place).encoder.state_dict() for place in ("autoencoders/shared", "fold0/shared")
    )
    assert all(torch.equal(before[weight], after[weight]) for weight in before)


@pytest.mark.parametrize("sampler", ["ddim", "dpmsolver++"])
def test_the_stronger_the_guidance_the_more_images_are_of_the_wanted_class(
    trained: Path, pretrained: Path, sampler: str
) -> None:
    model = load_generator(trained, pretrained / "fold0", 1, CPU)
    noise = torch.randn((24, *model.noise_shape), generator=compute.generator(3))

    def right(label: int, scale: float) -> float:
        drawn = model.draw(noise, torch.full((24,), label), Drawing(sampler, 20, scale)).mean(dim=(1, 2, 3))
        return ((drawn > 0) == bool(label)).float().mean().item()

    assert right(0, 0.0) + right(1, 0.0) == pytest.approx(1)
    for label in (0, 1):
        assert right(label, 0.0) < right(label, 1.0) <= right(label, 10.0)
        assert right(label, 10.0) > 0.7


def test_a_saved_model_draws_the_same_to_the_bit(
    jobs: Callable[..., Job], brief: Params, pretrained: Path, tmp_path: Path
) -> None:
    model, fitted = Guided.train(jobs(params=brief))
    noise = torch.randn((3, *model.noise_shape), generator=compute.generator(3))
    labels, drawing = torch.tensor([0, 1, 1]), Drawing("dpmsolver++", 4, 1.0)
    expected = model.draw(noise, labels, drawing)
    model.save(tmp_path)
    write_card(tmp_path, kind="guided", params=brief.generator.model_dump(), **fitted.card)
    loaded = load_generator(tmp_path, pretrained / "fold0", 1, CPU)
    assert torch.equal(loaded.draw(noise, labels, drawing), expected)


def test_training_twice_gives_the_same_classifier(jobs: Callable[..., Job], brief: Params) -> None:
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(Guided.train(jobs(params=brief))[0].classifier.state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_an_autoencoder_of_another_encoder_is_refused(
    jobs: Callable[..., Job], autoencoders: Path, pretrained: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"neither the autoencoder .* in whose latents .* was trained, nor that one"):
        Guided.train(jobs(autoencoders=autoencoders))
    write_card(tmp_path, kind="none", patient_ids=[], image_ids=[])
    with pytest.raises(InputError, match="holds no denoiser"):
        Guided.train(jobs(pretrained=tmp_path))


def test_the_pre_trained_autoencoder_as_it_is_serves_as_well(jobs: Callable[..., Job], brief: Params, pretrained: Path) -> None:
    """The ablation without fine-tuning."""
    model, fitted = Guided.train(jobs(params=brief, autoencoders=pretrained / "autoencoders"))
    assert fitted.card["autoencoder"] == checkpoint_digest(pretrained / "autoencoders/shared")
    assert model.noise_shape == (4, 8, 8)


def test_without_pre_training_the_fold_trains_the_denoiser_too(
    jobs: Callable[..., Job], brief: Params, pretrained: Path, tmp_path: Path
) -> None:
    scratch = brief.model_copy(update={"autoencoder": brief.autoencoder.model_copy(update={"mode": "scratch"})})
    model, fitted = Guided.train(jobs(params=scratch, pretrained=tmp_path / "none"))
    assert fitted.card["denoiser"] is None
    assert set(fitted.losses) == {"denoiser", "last_tenth"}
    theirs = Guided.denoiser.load(pretrained / "denoiser").state_dict()
    assert any(not torch.equal(weight, theirs[name]) for name, weight in model.model.state_dict().items())
    model.save(tmp_path / "out")
    assert json.loads((tmp_path / "out/classifier/config.json").read_text())["timed"]
