"""Guided denoising of inpainted pairs towards the look of their real images (paper 2, Section 3.3).

The paper names neither the target nor the rule of guidance. Here the target is the real image that the pair was inpainted
from, and the rule that of its reference [16]: the gradient of the loss of the predicted clean image shifts the mean of each
reverse step.
"""

import torch
from diffusers import UNet2DModel

from synthtrace import compute
from synthtrace.errors import InputError
from synthtrace.generators.pairs.network import Denoiser
from synthtrace.generators.style.guide import Guide
from synthtrace.generators.style.networks import Networks
from synthtrace.generators.style.schedule import Respaced
from synthtrace.params.style import Style
from synthtrace.stage import progress


def style(
    model: Denoiser,
    pairs: torch.Tensor,
    targets: torch.Tensor,
    networks: Networks,
    settings: Style,
    streams: list[torch.Generator],
) -> torch.Tensor:
    """Pairs (N, C+1, S, S) in [-1, 1] with the style of targets (N, C, S, S): images are made anew, masks stay as they are.

    The schedule is respaced to `steps`. A pair is made noisy up to the step that is left after the noisiest `skip_timesteps`
    (the paper: 80 of 200, so 120 reverse steps from timestep 597 of 0 .. 999) and denoised from there, without clipping, by
    x_(k-1) = mean - variance * gradient + noise, with the posterior's variance. The gradient is that, by x_k, of the weighted
    loss of the predicted clean image. The mask channel is not denoised: at every step it is the pair's mask, noisy.

    So that no gradient explodes, an image's shift has at most the root mean square that the step's noise has, its standard
    deviation; a longer one keeps its direction. `streams` are CPU generators, one a pair: an image's noise does not depend on
    its batch, nor on the weights. Batches are computed where the denoiser and the networks lie.

    Raises:
        InputError: numbers of pairs, targets or streams, or channels do not fit, the schedule does not (see `Respaced.of`), or
            a gradient or a styled image is not finite.
    """
    if not len(pairs) == len(targets) == len(streams):
        counts = f"{len(pairs)} pairs, {len(targets)} targets and {len(streams)} streams"
        raise InputError(f"style: {counts}; expected equal numbers")
    if pairs.shape[1] != model.unet.config.in_channels or pairs[:, :-1].shape != targets.shape:
        raise InputError(
            f"style: pairs {tuple(pairs.shape)} and targets {tuple(targets.shape)} for a denoiser of "
            f"{model.unet.config.in_channels} channels; expected targets without the last channel, the mask"
        )
    schedule = Respaced.of(model.scheduler, settings.steps)
    styled = []
    for start in progress(range(0, len(pairs), settings.batch_size), "style", unit="batch"):
        part = slice(start, start + settings.batch_size)
        pair, target = pairs[part].to(model.unet.device), targets[part].to(model.unet.device)
        batch = _style_batch(model, schedule, pair, target, networks, settings, streams[part], start)
        styled.append(batch.to(pairs.device))
    return torch.cat(styled)


def _style_batch(
    model: Denoiser,
    schedule: Respaced,
    pairs: torch.Tensor,
    targets: torch.Tensor,
    networks: Networks,
    settings: Style,
    streams: list[torch.Generator],
    start: int,
) -> torch.Tensor:
    def noise() -> torch.Tensor:
        return torch.stack([torch.randn(pairs.shape[1:], generator=stream) for stream in streams]).to(pairs.device)

    patches = [compute.generator(int(torch.randint(2**62, (1,), generator=stream))) for stream in streams]
    guide = Guide(model.unet, networks, settings, pairs, targets, patches)
    first = settings.steps - settings.skip_timesteps - 1
    values = schedule.noisy(pairs, noise(), first)
    for k in range(first, -1, -1):
        with torch.set_grad_enabled(bool(guide.weights)):
            values.requires_grad_(bool(guide.weights))
            clean = _predicted(model.unet, schedule, values, k)
            mean, variance = schedule.posterior(values[:, :-1].detach(), clean.detach(), k)
            # without noise there is no shift
            if guide.weights and variance:
                gradient = torch.autograd.grad(guide.loss(clean).sum(), values)[0][:, :-1]
                _check_finite(gradient, "gradient", k, start)
                mean = mean - limited(variance * gradient, variance**0.5)
        drawn = noise()
        values = torch.cat([mean + variance**0.5 * drawn[:, :-1], schedule.noisy(pairs[:, -1:], drawn[:, -1:], k - 1)], 1)
    _check_finite(values, "styled image", 0, start)
    return torch.cat([values[:, :-1].clamp(-1, 1), pairs[:, -1:]], 1)


def _predicted(unet: UNet2DModel, schedule: Respaced, values: torch.Tensor, k: int) -> torch.Tensor:
    """Clean image channels (B, C, S, S); a learned variance, the second half of the output's channels, is not used."""
    timesteps = schedule.timesteps[k].expand(len(values)).to(values.device)
    predicted = unet(values, timesteps).sample[:, : values.shape[1] - 1]
    return schedule.clean(values[:, :-1], predicted, k)


def limited(shift: torch.Tensor, most: float) -> torch.Tensor:
    """Shifts (B, C, S, S), each scaled down to a root mean square of `most` where its own is above."""
    size = shift.square().mean((1, 2, 3), keepdim=True).sqrt()
    return shift * (most / size.clamp(min=most))


def _check_finite(values: torch.Tensor, what: str, k: int, start: int) -> None:
    for place, fine in enumerate(values.isfinite().flatten(1).all(1).tolist()):
        if not fine:
            raise InputError(
                f"style: the {what} of pair {start + place} is not finite at step {k}; expected a trained denoiser, or lower "
                "style.weights"
            )
