"""What teaches a U-Net its variance: the variational bound (Nichol and Dhariwal 2021, Eq. 4 to 7 and 15)."""

import math

import torch
from diffusers import DDPMScheduler

# half the distance of two 8-bit values in [-1, 1]
HALF_BIN = 1 / 255


def bound(
    scheduler: DDPMScheduler,
    pairs: torch.Tensor,
    noisy: torch.Tensor,
    timesteps: torch.Tensor,
    clean: torch.Tensor,
    variance: torch.Tensor,
) -> torch.Tensor:
    """The term L_t of the bound for each pair, (B,), in bits a value.

    `pairs`, their `noisy` version at `timesteps` (B,), the predicted `clean` ones and the variance channels are (B, C, S, S).
    No gradient flows into `clean`: the bound teaches the variance alone.
    """
    shares = scheduler.alphas_cumprod.to(noisy.device)
    share = shares[timesteps][:, None, None, None]
    before = torch.where(timesteps > 0, shares[(timesteps - 1).clamp(min=0)], 1.0)[:, None, None, None]
    alpha = share / before
    to_clean, to_noisy = before.sqrt() * (1 - alpha) / (1 - share), alpha.sqrt() * (1 - before) / (1 - share)
    mean, predicted = (to_clean * one + to_noisy * noisy for one in (pairs, clean.detach()))
    # that of the first timestep is 0: the next one's stands in for it
    second = (1 - shares[1] / shares[0]) * (1 - shares[0]) / (1 - shares[1])
    least = torch.where(before < 1, (1 - alpha) * (1 - before) / (1 - share), second).log()
    part = (variance + 1) / 2
    spread = part * (1 - alpha).log() + (1 - part) * least
    divergence = 0.5 * (spread - least + (least - spread).exp() + (mean - predicted) ** 2 * (-spread).exp() - 1)
    terms = torch.where(before < 1, divergence, -log_likelihood(pairs, predicted, spread))
    return terms.mean(dim=(1, 2, 3)) / math.log(2)


def log_likelihood(values: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """Logarithm of the probability of 8-bit values in [-1, 1] under a Gaussian, whose tails belong to -1 and 1."""
    scale = (-0.5 * log_variance).exp()
    above, below = (values - mean + HALF_BIN) * scale, (values - mean - HALF_BIN) * scale
    inside = (torch.special.ndtr(above) - torch.special.ndtr(below)).clamp(min=1e-12).log()
    highest = torch.where(values > 0.999, torch.special.log_ndtr(-below), inside)
    return torch.where(values < -0.999, torch.special.log_ndtr(above), highest)
