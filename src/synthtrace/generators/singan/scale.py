"""One scale: a Wasserstein GAN of patches with a gradient penalty (Gulrajani et al. 2017), and a reconstruction."""

import torch
from torch import nn
from torch.nn.functional import mse_loss

from synthtrace.generators.singan.network import PairGenerator
from synthtrace.generators.singan.pyramid import resized
from synthtrace.params.singan import SinGan

# share of the steps after which the learning rate is a tenth (1600 of 2000 in the source)
DECAY = 0.8


def gradient_penalty(discriminator: nn.Module, pairs: torch.Tensor) -> torch.Tensor:
    """Mean squared distance from 1 of the norm of the discriminator's gradient at pairs (B, C, s, s).

    As in the source, the gradient is that of the sum over patches, and a pixel has a norm: neither depends on the side.
    """
    pairs = pairs.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(pairs).sum(), pairs, create_graph=True)
    return (gradient.norm(dim=1) - 1).square().mean()


class ScaleTraining:
    """Trains a scale's generator against a discriminator; the coarser scales of `model` are done and stay as they are.

    `real` (1, C, s, s) is the pair at this scale; all noise comes from `stream`, drawn on the CPU.
    """

    def __init__(
        self,
        model: PairGenerator,
        scale: int,
        real: torch.Tensor,
        discriminator: nn.Module,
        settings: SinGan,
        stream: torch.Generator,
    ) -> None:
        self._model, self._scale, self._real, self._settings, self._stream = model, scale, real, settings, stream
        self._generator, self._discriminator = model.generators[scale], discriminator
        self._optimizers = [
            torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=(0.5, 0.999), fused=True)
            for network in (self._generator, self._discriminator)
        ]
        milestones = [int(DECAY * settings.steps)]
        self._schedules = [torch.optim.lr_scheduler.MultiStepLR(one, milestones) for one in self._optimizers]
        *coarser, own = model.fixed_noises(scale + 1)
        self._fixed_below = self._below(coarser)
        if scale:
            model.amplitudes[scale] = settings.noise_weight * mse_loss(self._fixed_below, real).sqrt()
        self._fixed_noise = (model.amplitudes[scale] * own).expand_as(real)

    @torch.no_grad()
    def _below(self, coarser: list[torch.Tensor]) -> torch.Tensor:
        """What the coarser scales make of their noise, at this scale's side; zeros where there are none."""
        if not coarser:
            return torch.zeros_like(self._real)
        return resized(self._model.drawn(coarser), self._real.shape[-1])

    @property
    def learning_rate(self) -> float:
        """The rate that the next step has."""
        return self._optimizers[0].param_groups[0]["lr"]

    def step(self) -> tuple[float, float]:
        """The inner steps of the discriminator, then those of the generator: a loss, and the reconstruction's error.

        The loss is the discriminator's and the weighted reconstruction's mean squared error: the generator's other term, a mean
        of logits, may drift far in a healthy training, as only differences of logits matter.
        """
        draws = [self._draw() for _ in range(self._settings.inner_steps)]
        for noise, below in draws:
            judging = self._judging_loss(noise, below)
            self._update(1, judging)
        self._discriminator.requires_grad_(False)
        for noise, below in draws:
            on_drawn, error = self._drawing_losses(noise, below)
            self._update(0, self._settings.reconstruction_weight * error - on_drawn)
        self._discriminator.requires_grad_(True)
        for schedule in self._schedules:
            schedule.step()
        return judging.item() + self._settings.reconstruction_weight * error.item(), error.item()

    def _draw(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Noise of this scale, of its strength, and an image that the coarser scales draw; (1, C, s, s) each."""
        shapes = self._model.shapes[: self._scale + 1]
        *coarser, own = (torch.randn((1, *shape), generator=self._stream).to(self._real.device) for shape in shapes)
        return (self._model.amplitudes[self._scale] * own).expand_as(self._real), self._below(coarser)

    def _judging_loss(self, noise: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            drawn = self._generator(noise, below)
        on_real, on_drawn = self._discriminator(torch.cat([self._real, drawn]))
        share = torch.rand((), generator=self._stream).item()
        penalty = gradient_penalty(self._discriminator, share * self._real + (1 - share) * drawn)
        return on_drawn.mean() - on_real.mean() + self._settings.penalty_weight * penalty

    def _drawing_losses(self, noise: torch.Tensor, below: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean logit of a drawn pair, and the mean squared error of the reconstruction."""
        pairs = self._generator(torch.cat([noise, self._fixed_noise]), torch.cat([below, self._fixed_below]))
        return self._discriminator(pairs[:1]).mean(), mse_loss(pairs[1:], self._real)

    def _update(self, number: int, loss: torch.Tensor) -> None:
        optimizer = self._optimizers[number]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
