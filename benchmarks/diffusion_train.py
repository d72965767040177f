"""Training a latent diffusion model: the loop of diffusers' own example, and ours with and without the latent cache.

    python benchmarks/diffusion_train.py

The reference is the loop of diffusers' examples/unconditional_image_generation with a frozen AutoencoderKL before it, as its
latent examples have it: a DataLoader, an encoding of the batch in every step, DDPMScheduler, AdamW, EMAModel. It is without
Accelerate, which adds nothing on one device, and without gradient clipping, which paper 0 and ours do not have; rates of AdamW
are the paper's. All loops see the same crops, noise and timesteps, so that their losses must agree, step by step.

Images have 256 pixels a side; the encoder has the size of the published kl-f4 (128, 256, 512 channels, two blocks a level,
random weights: time does not depend on them). On a CPU the denoiser has the widths of presets/cpu-byra.yaml. What the cache
saves is the encoder's part of a step, so that the ratio depends on both: floating-point operations of each are printed beside
it, and what they leave to be gained with the widths of presets/paper-nafld.yaml. Seconds are the median over steps; filling the
cache is told apart, with the step from which on it pays. Where there is a GPU the denoiser has the paper preset's widths, ours
computes in bfloat16 and the reference in float32, as the example does unless told otherwise.
"""

import argparse
import copy
import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DModel
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, IterableDataset
from torch.utils.flop_counter import FlopCounterMode

from synthtrace import compute
from synthtrace.generators import autoencoder
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import Batch, CropBatches, TrainingImages
from synthtrace.generators.denoiser import Denoiser
from synthtrace.generators.diffusion import Noising
from synthtrace.generators.diffusion_training import DiffusionTraining
from synthtrace.generators.latent_cache import CachedBatches
from synthtrace.generators.training import fit
from synthtrace.params import Generator, load_params
from synthtrace.seeds import Seeds
from synthtrace.stage import progress

SIZE, NATIVE, IMAGES, CROPS = 256, 320, 4, 2
# channels, and blocks a level: as in presets/cpu-byra.yaml and presets/paper-nafld.yaml
WIDTHS = {"cpu": ([32, 64], 1), "cuda": ([256, 512, 1024], 2)}
BATCH = {"cpu": 4, "cuda": 32}
STEPS = {"cpu": 5, "cuda": 40}
PAPER_STEPS, PAPER_IMAGES, WANTED = 20_000, 440, 2.0
# dense bfloat16, floating-point operations a second
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "4090": 165e12}
NAMES = ("benchmark",)


class Unconditional(Denoiser):
    """A plain U-Net: the condition has no part."""

    def __init__(self, unet: UNet2DModel) -> None:
        super().__init__()
        self.unet = unet

    def condition(self, batch: Batch) -> torch.Tensor:
        """Labels (B,)."""
        return batch.labels

    def null(self, condition: torch.Tensor) -> torch.Tensor:
        """The same."""
        return condition

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """See Denoiser."""
        return self.unet(latents, timesteps).sample


class Clock:
    """Takes the place of a tracker: when each step ended, and its loss."""

    def __init__(self, device: torch.device) -> None:
        self.ends: list[float] = [time.perf_counter()]
        self.losses: list[float] = []
        self._device = device

    def log(self, values: dict[str, float], step: int) -> None:
        """A step has ended."""
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())
        self.losses.append(values["loss"])

    def seconds(self) -> float:
        """Median over the steps after the first, which pays for what is set up once."""
        return statistics.median(np.diff(self.ends[1:]))


class SameCrops(IterableDataset):
    """Batches of images in the crops that the cache holds: what the reference is to see."""

    def __init__(self, batches: CachedBatches) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[tuple[int, torch.Tensor]]:
        for step in range(self.batches.steps):
            chosen, crops = self.batches.drawn(step)
            cuts = [self.batches.cut(int(index), int(crop))[0] for index, crop in zip(chosen, crops, strict=True)]
            yield step, torch.stack(cuts)


def reference(
    unet: UNet2DModel, vae: AutoencoderKL, batches: CachedBatches, params: Generator, scale: float, clock: Clock
) -> None:
    """The example's loop; noise comes from ours' streams, so that both draw the same."""
    device = next(vae.parameters()).device
    seeds, noise_scheduler = Seeds(0), Noising(params.noise_schedule, params.prediction_type).training()
    optimizer = torch.optim.AdamW(unet.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay)
    scheduler = get_scheduler("cosine", optimizer, num_warmup_steps=0, num_training_steps=params.steps)
    ema = EMAModel(unet.parameters(), decay=params.ema_decay)
    unet.train()
    for step, images in DataLoader(SameCrops(batches), batch_size=None):
        stream = compute.generator(seeds.integer(*NAMES, "noise", step))
        with torch.no_grad():
            posterior = vae.encode(images.to(device).expand(-1, 3, -1, -1)).latent_dist
            latents = (posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=stream).to(device)) * scale
        noise = torch.randn(latents.shape, generator=stream).to(device)
        timesteps = torch.randint(0, 1000, (len(latents),), generator=stream).to(device)
        noisy = noise_scheduler.add_noise(latents, noise, timesteps)
        loss = torch.nn.functional.mse_loss(unet(noisy, timesteps).sample, noise)
        loss.backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        ema.step(unet.parameters())
        clock.log({"loss": loss.item()}, step)


def operations(vae: AutoencoderKL) -> dict[str, float]:
    """Floating-point operations an image: of encoding, and of a step of each denoiser, forward and backward."""
    vae = copy.deepcopy(vae).to("meta")
    with FlopCounterMode(display=False) as encoding, torch.no_grad():
        vae.encode(torch.zeros(1, 3, SIZE, SIZE, device="meta"))
    found = {"encoder": float(encoding.get_total_flops())}
    for kind in WIDTHS:
        unet = denoiser(kind).to("meta")
        latents, timesteps = torch.zeros(1, 3, SIZE // 4, SIZE // 4, device="meta"), torch.zeros(1, device="meta")
        with FlopCounterMode(display=False) as denoising:
            unet(latents, timesteps).sample.mean().backward()
        found[f"denoiser_{kind}"] = float(denoising.get_total_flops())
    return found


def denoiser(kind: str) -> UNet2DModel:
    """A U-Net for latents 3 x 64 x 64, with attention at all levels but the first."""
    channels, layers = WIDTHS[kind]
    attending = len(channels) - 1
    return UNet2DModel(
        sample_size=SIZE // 4,
        in_channels=3,
        out_channels=3,
        block_out_channels=tuple(channels),
        layers_per_block=layers,
        down_block_types=("DownBlock2D", *["AttnDownBlock2D"] * attending),
        up_block_types=(*["AttnUpBlock2D"] * attending, "UpBlock2D"),
    )


def set_up(device: torch.device) -> tuple[Generator, UNet2DModel, LatentSpace, TrainingImages]:
    """Parameters, denoiser, latent space and images."""
    defaults = load_params()
    kind = device.type
    params = defaults.generator.model_copy(
        update={
            "steps": STEPS[kind],
            "batch_size": BATCH[kind],
            "learning_rate": 2.4e-4,
            "warmup_steps": 0,
            "ema_decay": 0.9999,
            "prediction_type": "epsilon",
            "latent_cache": CROPS,
        }
    )
    f4 = defaults.autoencoder.model_copy(update={"channels": [128, 256, 512], "latent_channels": 3, "layers_per_block": 2})
    compute.seed_everything(0)
    space = LatentSpace(autoencoder.build(f4, SIZE, 3).to(device), channels=1, scale=1.0)
    unet = denoiser(kind).to(device)
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, 1, NATIVE, NATIVE), dtype=np.uint8)
    labels = np.arange(IMAGES) % 2
    return params, unet, space, TrainingImages(pixels, None, labels, [f"i{number}" for number in range(IMAGES)])


def ours(unet: UNet2DModel, space: LatentSpace, batches: IterableDataset, params: Generator, device: torch.device) -> Clock:
    """Our training, in bfloat16 on a GPU."""
    clock: Any = Clock(device)
    module = DiffusionTraining(Unconditional(unet), space, params, Seeds(0), NAMES)
    fit(module, batches, device, "bfloat16", clock, "benchmark")
    return clock


def measure() -> dict[str, Any]:
    """Seconds a step of the three loops, and whether they did the same."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    params, unet, space, images = set_up(device)
    drawn = {"batch_size": params.batch_size, "steps": params.steps, "seeds": Seeds(0), "names": NAMES}
    started = time.perf_counter()
    cached = CachedBatches(
        images, space, crops=CROPS, size=SIZE, crop_scale=params.crop_scale, **drawn, balanced=False, device=device
    )
    filling = (time.perf_counter() - started) / (IMAGES * CROPS)
    fresh = CropBatches(images, size=SIZE, crop_scale=params.crop_scale, **drawn)
    flops = operations(space.autoencoder)
    clocks: dict[str, Clock] = {}
    for name in progress(("diffusers", "fresh crops", "latent cache"), "training loops", unit="loop"):
        own = copy.deepcopy(unet)
        if name == "diffusers":
            clocks[name] = Clock(device)
            reference(own, space.autoencoder, cached, params, space.scale, clocks[name])
        else:
            clocks[name] = ours(own, space, cached if name == "latent cache" else fresh, params, device)
    seconds = {name: clock.seconds() for name, clock in clocks.items()}
    losses = [clocks[name].losses for name in ("diffusers", "latent cache")]
    tolerance = 1e-3 if device.type == "cpu" else 0.05
    saved = seconds["fresh crops"] - seconds["latent cache"]
    entries = PAPER_IMAGES * CROPS
    found = {
        "name": "diffusion_train",
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "batch_size": params.batch_size,
        "steps": params.steps,
        "seconds_a_step": seconds,
        "images_a_second": {name: params.batch_size / value for name, value in seconds.items()},
        "operations_an_image": flops,
        "filling_seconds_an_image": filling,
        "pays_from_step": filling * entries / saved if saved > 0 else None,
        "ratio": seconds["fresh crops"] / seconds["latent cache"],
        "most_with_paper_widths": 1 + flops["encoder"] / flops["denoiser_cuda"],
        "ratio_to_diffusers": seconds["diffusers"] / seconds["latent cache"],
        "ratio_fresh_to_diffusers": seconds["diffusers"] / seconds["fresh crops"],
        "largest_difference_of_a_loss": float(np.abs(np.subtract(*losses)).max()),
        "same_result": bool(np.allclose(*losses, rtol=tolerance)),
        "wanted": WANTED,
    }
    peak = next((value for name, value in PEAKS.items() if name in found["device"]), None)
    if peak:
        found["share_of_peak"] = flops["denoiser_cuda"] * params.batch_size / seconds["latent cache"] / peak
    return found


def show(found: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("loop")
    for column in ("seconds a step", "images a second", "times diffusers"):
        table.add_column(column, justify="right")
    base = found["seconds_a_step"]["diffusers"]
    for name, seconds in found["seconds_a_step"].items():
        table.add_row(name, f"{seconds:.3f}", f"{found['images_a_second'][name]:.2f}", f"{base / seconds:.2f}")
    console = Console(highlight=False, width=120)
    console.print(table)
    flops = found["operations_an_image"]
    console.print(
        f"{found['device']}, {found['threads']} threads, batches of {found['batch_size']}, {SIZE} pixels; operations an image, "
        + ", ".join(f"{name} {value / 1e9:.0f} G" for name, value in flops.items())
    )
    console.print(
        f"latent cache: {found['ratio']:.2f} times the steps of fresh crops (wanted: {WANTED:g}); with the paper preset's "
        f"widths the operations allow {found['most_with_paper_widths']:.2f} at most"
    )
    if "share_of_peak" in found:
        console.print(f"the denoiser reaches {found['share_of_peak']:.0%} of the device's bfloat16 peak with the latent cache")
    if found["pays_from_step"]:
        console.print(
            f"filling it costs {found['filling_seconds_an_image']:.2f} s a crop: with {PAPER_IMAGES} images and {CROPS} crops "
            f"each it pays from step {found['pays_from_step']:.0f} on, of the paper's {PAPER_STEPS:,}"
        )
    same = "agree" if found["same_result"] else "DIFFER"
    console.print(f"losses of diffusers' loop and of the cache on the same crops {same}, step by step")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    result = measure()
    show(result)
    print(json.dumps(result))
