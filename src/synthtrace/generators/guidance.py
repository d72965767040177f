"""Classifier guidance (Dhariwal and Nichol 2021, Algorithm 2; paper 3, Eq. 7 and 8)."""

from typing import Protocol

import torch

from synthtrace.generators.denoiser import Denoiser
from synthtrace.generators.diffusion import Noising


class NoisyClassifier(Protocol):
    """What guides."""

    def log_probability(self, values: torch.Tensor, timesteps: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Logarithm (B,) of the probability of the labels (B,) of noisy latents (B, L, s, s)."""
        ...


class GuidedPrediction(Denoiser):
    """A denoiser whose predictions lean towards a label; to a sampler it looks like any conditional one.

    The noise becomes eps' = eps - g sqrt(1 - abar_t) grad log p(y | z_t, t). A velocity moves by that over sqrt(abar_t): with
    z_t given, it is (eps - sqrt(1 - abar_t) z_t) / sqrt(abar_t). With `scale` 0 the classifier is not asked.
    """

    def __init__(self, model: Denoiser, classifier: NoisyClassifier, noising: Noising, scale: float) -> None:
        super().__init__()
        self.model, self.classifier, self.scale = model, classifier, scale
        self._velocity = noising.prediction_type == "v_prediction"
        self._shares = noising.training().alphas_cumprod

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """See Denoiser; `condition` are labels (B,)."""
        predicted = self.model(latents, timesteps, condition)
        if not self.scale:
            return predicted
        share = self._shares.to(latents.device)[timesteps].reshape(-1, 1, 1, 1)
        move = self.scale * (1 - share).sqrt() * self._gradient(latents, timesteps, condition)
        return predicted - (move / share.sqrt() if self._velocity else move)

    def _gradient(self, latents: torch.Tensor, timesteps: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            latents = latents.detach().requires_grad_()
            # images do not meet in the classifier: the gradient of the sum holds each one's own
            total = self.classifier.log_probability(latents, timesteps, labels).sum()
            return torch.autograd.grad(total, latents)[0]
