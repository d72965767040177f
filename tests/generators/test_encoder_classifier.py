"""Classifiers built as an autoencoder's encoder: shapes, attention pooling, learning."""

from pathlib import Path

import numpy as np
import pytest
import torch

from synthtrace import compute
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import Batch, LatentBatch, TrainingBatches, TrainingImages
from synthtrace.generators.classifier_training import LatentClassification, fit_classifier
from synthtrace.generators.diffusion import Noising
from synthtrace.generators.encoder_classifier import AttentionPool, EncoderClassifier
from synthtrace.params import Params
from synthtrace.seeds import Seeds

CPU = torch.device("cpu")


def test_pooling_weighs_tokens_by_their_likeness_to_the_mean_and_by_their_place() -> None:
    torch.manual_seed(0)
    pool, features = AttentionPool(8, 3), torch.randn(2, 8, 3, 3)
    mirrored = features.flip(3)
    assert pool(features).shape == (2, 8)
    assert not torch.allclose(pool(features), pool(mirrored))
    torch.nn.init.zeros_(pool.position)
    assert torch.allclose(pool(features), pool(mirrored), atol=1e-6)
    # with equal keys the mean's attention is even: the value of the mean token, which is the mean of the values
    torch.nn.init.zeros_(pool.attention.in_proj_weight[8:16])
    with torch.no_grad():
        value = features.mean(dim=(2, 3)) @ pool.attention.in_proj_weight[16:].T + pool.attention.in_proj_bias[16:]
        assert torch.allclose(pool(features), pool.attention.out_proj(value), atol=1e-6)


@pytest.mark.parametrize(("side", "lowest"), [(16, 4), (4, 2), (2, 2)])
def test_it_has_the_encoders_widths_and_halvings_down_to_a_side_of_two(params: Params, side: int, lowest: int) -> None:
    deep = autoencoder.build(params.autoencoder.model_copy(update={"channels": [8, 16, 32]}), 16, 1)
    model = EncoderClassifier.like(deep, 4, side, 3, timed=True)
    assert model(torch.randn(2, 4, side, side), torch.tensor([0, 999])).shape == (2, 3)
    assert len(model.pool.position) == lowest**2 + 1
    own, theirs = (sum(weight.numel() for name, weight in part.named_parameters() if "down" in name) for part in (
        EncoderClassifier.like(deep, 1, 16, 3, timed=False), deep.encoder
    ))  # fmt: skip
    assert own == theirs


def test_a_timed_one_heeds_the_timestep(params: Params) -> None:
    torch.manual_seed(0)
    model = EncoderClassifier.like(autoencoder.build(params.autoencoder, 16, 1), 4, 8, 2, timed=True)
    latents = torch.randn(2, 4, 8, 8)
    assert not torch.allclose(model(latents, torch.tensor([0, 0])), model(latents, torch.tensor([900, 900])))


def test_log_probabilities_are_those_of_the_logits(params: Params) -> None:
    model = EncoderClassifier.like(autoencoder.build(params.autoencoder, 16, 1), 4, 8, 3, timed=True)
    latents, timesteps = torch.randn(2, 4, 8, 8), torch.tensor([3, 500])
    found = torch.stack([model.log_probability(latents, timesteps, torch.full((2,), label)) for label in range(3)])
    assert torch.allclose(found.exp().sum(dim=0), torch.ones(2), atol=1e-5)
    assert torch.equal(found.argmax(dim=0), model(latents, timesteps).argmax(dim=1))


class TwoClasses(TrainingBatches):
    """Latents of two classes about -1 and 1, with some noise."""

    def batch(self, step: int) -> Batch:
        labels = torch.from_numpy(self.source.labels[self.chosen(step)]).long()
        return LatentBatch(maps=None, labels=labels, image_ids=[], step=step, **clean(labels))


def clean(labels: torch.Tensor) -> dict[str, torch.Tensor]:
    mean = (2.0 * labels - 1).reshape(-1, 1, 1, 1).expand(-1, 4, 8, 8)
    return {"mean": mean, "deviation": torch.full_like(mean, 0.3)}


def test_separable_latents_are_learnt_and_pure_noise_is_guessed(params: Params, autoencoder_folder: Path) -> None:
    space = LatentSpace(autoencoder.load(autoencoder_folder), 1)
    noising, seeds = Noising("scaled_linear", "v_prediction"), Seeds(0)
    torch.manual_seed(0)
    model = EncoderClassifier.like(space.autoencoder, 4, 8, 2, timed=True)
    source = TrainingImages(np.zeros((8, 1, 16, 16), np.uint8), None, np.arange(8) % 2, [str(n) for n in range(8)])
    batches = TwoClasses(source, batch_size=32, steps=80, seeds=seeds, names=("t",))
    module = LatentClassification(model, 80, 3e-3, space, noising, seeds, ("t",))
    fitted = fit_classifier(module, batches, CPU, "float32", "t")
    labels, stream = torch.arange(400) % 2, compute.generator(1)
    latents = space.draw(**clean(labels), noise=stream)
    noise = torch.randn(latents.shape, generator=stream)

    def right(timestep: int) -> float:
        timesteps = torch.full((400,), timestep)
        noisy = noising.training().add_noise(latents, noise, timesteps)
        return (fitted.model(noisy, timesteps).argmax(dim=1) == labels).float().mean().item()

    assert right(0) == right(300) == 1.0
    # at the end the share of signal is a hundredth in amplitude: 256 values of a latent tell of 1.6 deviations at best
    loss = -fitted.model.log_probability(noise, torch.full((400,), 999), labels).mean().item()
    assert right(999) < 0.7
    assert loss > 0.6  # of a coin: 0.69
    assert all(not weight.requires_grad for weight in fitted.model.parameters())
    assert fitted.rates[0] > fitted.rates[40] > fitted.rates[-1]


def test_every_step_sees_random_timesteps_of_the_whole_range(params: Params, autoencoder_folder: Path) -> None:
    seen: list[torch.Tensor] = []

    class Spy(EncoderClassifier):
        def forward(self, values: torch.Tensor, timesteps: torch.Tensor | None = None) -> torch.Tensor:
            assert timesteps is not None
            seen.append(timesteps)
            return super().forward(values, timesteps)

    space = LatentSpace(autoencoder.load(autoencoder_folder), 1)
    model = Spy.like(space.autoencoder, 4, 8, 2, timed=True)
    source = TrainingImages(np.zeros((8, 1, 16, 16), np.uint8), None, np.arange(8) % 2, [str(n) for n in range(8)])
    module = LatentClassification(model, 9, 1e-3, space, Noising("cosine", "epsilon"), Seeds(0), ("t",))
    for step, batch in enumerate(TwoClasses(source, batch_size=64, steps=9, seeds=Seeds(0), names=("t",))):
        module.training_step(batch, step)
    assert len(set(torch.cat(seen).tolist())) > 300
    assert torch.histc(torch.cat(seen).float(), 4, 0, 999).min() > 90
