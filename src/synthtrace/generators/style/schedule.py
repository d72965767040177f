"""A respaced schedule: the reverse process in fewer steps than the denoiser was trained with."""

from dataclasses import dataclass
from typing import Any

import torch

from synthtrace.errors import InputError


@dataclass(frozen=True)
class Respaced:
    """`timesteps` of training, ascending and evenly spaced, the first and the last of all among them (`respacing` of [16]).

    `shares` are the signal's shares of variance (abar) there. Functions take a step's place k in 0 .. steps - 1, 0 the last of
    the reverse process, and tensors of one batch.
    """

    timesteps: torch.Tensor
    shares: torch.Tensor
    prediction_type: str

    @classmethod
    def of(cls, scheduler: Any, steps: int) -> "Respaced":
        """From a scheduler of diffusers.

        Raises:
            InputError: it has fewer timesteps than `steps`, or its model predicts something unknown.
        """
        trained, predicted = len(scheduler.alphas_cumprod), scheduler.config.prediction_type
        if steps > trained:
            raise InputError(f"style.steps: {steps}, but the denoiser knows {trained} timesteps; expected that many at most")
        if predicted not in ("epsilon", "v_prediction"):
            raise InputError(f"style: the denoiser predicts {predicted!r}; expected epsilon or v_prediction")
        timesteps = torch.linspace(0, trained - 1, steps, dtype=torch.float64).round().long()
        return cls(timesteps, scheduler.alphas_cumprod[timesteps].double(), predicted)

    def noisy(self, clean: torch.Tensor, noise: torch.Tensor, k: int) -> torch.Tensor:
        """A draw of q(x_k | x_0); for k = -1 the clean values themselves."""
        share = float(self.shares[k]) if k >= 0 else 1.0
        return share**0.5 * clean + (1 - share) ** 0.5 * noise

    def clean(self, values: torch.Tensor, predicted: torch.Tensor, k: int) -> torch.Tensor:
        """The x_0 that the prediction implies, not clipped."""
        share = float(self.shares[k])
        if self.prediction_type == "epsilon":
            return (values - (1 - share) ** 0.5 * predicted) / share**0.5
        return share**0.5 * values - (1 - share) ** 0.5 * predicted

    def posterior(self, values: torch.Tensor, clean: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
        """Mean and variance of q(x_(k-1) | x_k, x_0) (Ho et al. 2020, Eq. 6 and 7); at k = 0 they are x_0 and 0."""
        share, before = float(self.shares[k]), float(self.shares[k - 1]) if k else 1.0
        kept = share / before
        mean = (before**0.5 * (1 - kept) * clean + kept**0.5 * (1 - before) * values) / (1 - share)
        return mean, (1 - before) / (1 - share) * (1 - kept)
