"""Inpainting: the lesions of real pairs, and some of what is around them, painted anew (paper 2, section 3.2)."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from diffusers import DDPMScheduler, RePaintScheduler, UNet2DModel
from scipy.ndimage import distance_transform_edt

from synthtrace import compute
from synthtrace.errors import InputError
from synthtrace.generators.pairs.network import denoised
from synthtrace.generators.pairs.stacks import joined, parted
from synthtrace.params.pairs import Inpainting
from synthtrace.seeds import Seeds


def dilation(side: int, at_256: int) -> int:
    """Pixels by which masks of side `side` are dilated, `at_256` of them at a side of 256."""
    return round(at_256 * side / 256)


def dilated(masks: np.ndarray, pixels: int) -> np.ndarray:
    """Where masks (N, 1, S, S) are set or at most `pixels` away from it, bool (N, 1, S, S); an empty mask stays empty.

    Paper 2 writes of 20 pixels at a side of 256; the authors' code takes an ellipse of that width, which reaches half as far.
    """
    far = [distance_transform_edt(mask == 0) if mask.any() else np.full(mask.shape, np.inf) for mask in masks[:, 0]]
    return np.stack(far)[:, None] <= pixels


def evaluations(respacing: int, jump_length: int, resamples: int) -> int:
    """How often inpainting evaluates the denoiser of a pair: every jump back has `jump_length` steps gone through again."""
    return respacing + (resamples - 1) * jump_length * len(range(0, respacing - jump_length, jump_length))


def plan(
    image_ids: list[str], masks: np.ndarray, inpainting: Inpainting, seeds: Seeds, names: tuple[str | int, ...]
) -> pd.DataFrame:
    """What is painted: a row for each sample of each pair whose mask (N, 1, S, S) is not empty.

    Columns: `row` (number of the pair), `source_image_id`, `sample` and `seed`, the seed of its noise.
    """
    rows = [
        {"row": row, "source_image_id": image_id, "sample": sample, "seed": seeds.integer(*names, "noise", image_id, sample)}
        for row, (image_id, mask) in enumerate(zip(image_ids, masks, strict=True))
        if mask.any()
        for sample in range(inpainting.samples)
    ]
    return pd.DataFrame(rows, columns=["row", "source_image_id", "sample", "seed"])


class Respaced(RePaintScheduler):
    """RePaint's steps, there and back by the same timesteps.

    Diffusers' own way back ends some timesteps beyond the one that the denoiser is told, more of them the fewer steps there
    are; here it is one step from a timestep's level of noise to the next, as in the authors' code.
    """

    def undo_step(self, sample: torch.Tensor, timestep: int, generator: Any = None) -> torch.Tensor:
        """From what a step at `timestep` led to, back to the noise level of `timestep` (Lugmayr et al. 2022, Algorithm 1)."""
        before = timestep - self.config["num_train_timesteps"] // self.num_inference_steps
        alpha = self.alphas_cumprod[timestep] / (self.alphas_cumprod[before] if before >= 0 else 1.0)
        noise = torch.stack([torch.randn(sample.shape[1:], generator=stream) for stream in generator])
        return alpha.sqrt() * sample + (1 - alpha).sqrt() * noise.to(sample.device)


@torch.no_grad()
def repaint(
    unet: UNet2DModel,
    scheduler: DDPMScheduler,
    pairs: torch.Tensor,
    fill: torch.Tensor,
    inpainting: Inpainting,
    streams: list[torch.Generator],
) -> torch.Tensor:
    """Pairs (B, C+1, S, S) in [-1, 1], painted anew where `fill` (B, 1, S, S) is true, from a CPU noise stream each.

    Steps are those of ancestral sampling with the posterior's variance: RePaint's scheduler takes no learned one. It takes the
    noise that follows from the clean pair, which is clipped to [-1, 1].
    """
    stepping = Respaced(len(scheduler.betas), trained_betas=scheduler.betas.cpu().numpy(), eta=1.0)
    stepping.set_timesteps(inpainting.respacing, inpainting.jump_length, inpainting.resamples)
    keep = (~fill).to(pairs)
    noisy = torch.stack([torch.randn(pairs.shape[1:], generator=stream) for stream in streams]).to(pairs.device)
    last = len(scheduler.betas)
    for timestep in stepping.timesteps.tolist():
        if timestep < last:
            timesteps = torch.full((len(noisy),), timestep, device=noisy.device)
            clean, _ = denoised(scheduler, unet(noisy, timesteps).sample, noisy, timesteps)
            share = scheduler.alphas_cumprod[timestep]
            noise = (noisy - share.sqrt() * clean.clamp(-1, 1)) / (1 - share).sqrt()
            noisy = stepping.step(noise, timestep, noisy, pairs, keep, generator=streams).prev_sample
        else:
            noisy = stepping.undo_step(noisy, last, streams)
        last = timestep
    return noisy


def inpaint(
    unet: UNet2DModel,
    scheduler: DDPMScheduler,
    images: np.ndarray,
    masks: np.ndarray,
    inpainting: Inpainting,
    noise_seeds: list[int],
) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, C, S, S) and masks uint8 (N, 1, S, S) of 0 and 255, painted anew within the dilated masks.

    Outside they are the real pair's to the value. A mask is set where its channel is above 0. The noise of a pair depends on
    its seed alone.

    Raises:
        InputError: images and masks are no pairs, a mask is empty, there are more steps than timesteps, or the model draws
            values that are no numbers.
    """
    pairs, fill = joined(images, masks), dilated(masks, dilation(masks.shape[-1], inpainting.dilation))
    if not fill.any(axis=(1, 2, 3)).all():
        empty = int(np.argmin(fill.any(axis=(1, 2, 3))))
        raise InputError(f"inpainting: the mask of pair {empty} is empty; expected a lesion to paint anew")
    if inpainting.respacing > len(scheduler.betas):
        raise InputError(
            f"respacing: is {inpainting.respacing}; expected at most the {len(scheduler.betas)} timesteps of training"
        )
    done = []
    for start in range(0, len(pairs), inpainting.batch_size):
        batch = slice(start, start + inpainting.batch_size)
        streams = [compute.generator(seed) for seed in noise_seeds[batch]]
        here = torch.from_numpy(fill[batch]).to(unet.device)
        done.append(repaint(unet, scheduler, pairs[batch].to(unet.device), here, inpainting, streams))
    painted = torch.cat(done)
    if not painted.isfinite().all():
        raise InputError("inpainting: the model draws values that are no numbers; expected a model that draws images")
    new_images, new_masks = parted(painted)
    return np.where(fill, new_images, images), np.where(fill, new_masks, masks)
