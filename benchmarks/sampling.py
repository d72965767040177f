"""Few steps instead of 500: how much faster, and whether the images are as near to real ones.

    python benchmarks/sampling.py

The reference is a diffusers pipeline, DDIM with 500 steps and classifier-free guidance of 1.2 as in paper 0, written as
diffusers writes its class-conditional ones. A small class-conditional model is trained first, on the phantom (as the default
study's, with more steps); then pools are drawn from the same noise and labels by ours, with DDIM and DPM-Solver++ in several
numbers of steps.

The ablation's distance is the Frechet distance between pools and phantom images of patients that no model saw, in the features
of a small convolutional network with fixed random weights (`fd_random_conv`): no Inception weights, no network that was trained
here. Its intervals are those of the study's fidelity: the jackknife over pool images and over real patients. All pools share
noise and real images, so that the difference of two distances is known far better than either: it is given with an interval
of its own, each image and patient being left out of both. `apart` is the root mean square distance, in grey levels, of each
image from that of DDIM-500 with the same noise; the mean over pairs of unlike images is given for scale.

Times are those of the fastest of a few rounds, taken in turns.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from diffusers import DDIMScheduler, DiffusionPipeline
from rich.console import Console
from rich.table import Table

from synthtrace import compute
from synthtrace.fidelity import frechet
from synthtrace.fidelity.cells import Images, score
from synthtrace.fidelity.jackknife import Units, together
from synthtrace.generators.batches import TrainingImages
from synthtrace.generators.checkpoints import load_generator
from synthtrace.generators.class_conditional import ClassConditional
from synthtrace.generators.diffusion import SCHEDULES
from synthtrace.generators.protocol import Job
from synthtrace.generators.train_autoencoder import train_autoencoder
from synthtrace.generators.train_generator import train_generator
from synthtrace.images import to_pixels
from synthtrace.params import Drawing, Params, load_params
from synthtrace.preprocess.crops import fixed_crop, native_crop
from synthtrace.scans.phantom import simulate_patient
from synthtrace.seeds import Seeds
from synthtrace.stage import progress

CPU = torch.device("cpu")
TRAINING_PATIENTS, HELD_OUT_PATIENTS, FRAMES = 40, 40, 4
POOL, BATCH = 192, 64
ROUNDS = 2
GUIDANCE, WANTED = 1.2, 20.0
SETTINGS = [("dpmsolver++", 10), ("dpmsolver++", 20), ("dpmsolver++", 25), ("ddim", 20), ("ddim", 50), ("ddim", 500)]
REFERENCE = "diffusers ddim 500"
FEW, MANY = ("dpmsolver++", 20), ("ddim", 500)
FAT = {0: 2.0, 1: 25.0}
MOST = 200  # values that an interval is made of
FD, KD = "fd_random_conv", "kd_random_conv"


class Silent:
    """Takes what a training logs and keeps nothing."""

    def log(self, values: dict[str, float], step: int) -> None:
        """Nothing."""

    def grid(self, name: str, images: np.ndarray) -> None:
        """Nothing."""


class ClassPipeline(DiffusionPipeline):
    """Class-conditional latent diffusion as diffusers' pipelines write it; shift and scale are ours' of the latents."""

    def __init__(self, trained: ClassConditional, scheduler: DDIMScheduler) -> None:
        super().__init__()
        self.trained = trained
        self.register_modules(scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, latents: torch.Tensor, labels: torch.Tensor, steps: int) -> torch.Tensor:
        """Images (B, C, S, S) in [-1, 1] from noise and labels."""
        model, space = self.trained.model, self.trained.space
        self.scheduler.set_timesteps(steps)
        both = torch.cat([model.null(labels), labels])
        latents = latents * self.scheduler.init_noise_sigma
        for timestep in self.scheduler.timesteps:
            inputs = self.scheduler.scale_model_input(torch.cat([latents] * 2), timestep)
            tokens = model.embedding(both)
            noise = model.unet(inputs, timestep, encoder_hidden_states=tokens).sample
            without, conditioned = noise.chunk(2)
            noise = without + GUIDANCE * (conditioned - without)
            latents = self.scheduler.step(noise, timestep, latents, eta=0.0).prev_sample
        return space.autoencoder.decode(latents / space.scale + space.shift).sample.clamp(-1, 1)


def phantom(params: Params, patients: int, prefix: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Native crops (N, 1, H, W) uint8, labels (N,) and patients of a seeded phantom."""
    seeds = Seeds(params.seed)
    crops, labels, names = [], [], []
    for number in progress(range(patients), f"phantom, {prefix}", unit="patient"):
        label, patient = number % 2, f"{prefix}{number:03d}"
        fat = FAT[label] * (0.6 + 0.8 * seeds.stream("benchmark", patient).random())
        for frame in simulate_patient(seeds, patient, fat, FRAMES)[0]:
            crops.append(native_crop(frame, params.preprocess.crop_size, params.preprocess.region))
            labels.append(label)
            names.append(patient)
    return np.stack(crops)[:, None], np.array(labels), names


def train(params: Params, crops: np.ndarray, labels: np.ndarray, patients: list[str], folder: Path) -> ClassConditional:
    """An autoencoder and a class-conditional model on these images."""
    image_ids = [f"{patient}-{number}" for number, patient in enumerate(patients)]
    source = TrainingImages(crops, np.zeros((len(crops), *crops.shape[2:]), dtype=np.uint8), labels, image_ids)
    manifest = pd.DataFrame({"image_id": image_ids, "patient_id": patients})
    silent: Any = Silent()
    train_autoencoder(source, manifest, params, "shared", 0, folder / "spaces/shared", silent, CPU)
    train_generator(Job("class", 0, source, params, folder / "spaces", folder, silent, CPU), manifest, folder / "class")
    trained = load_generator(folder / "class", folder / "spaces", 1, CPU)
    assert isinstance(trained, ClassConditional)
    return trained


def features(images: np.ndarray) -> np.ndarray:
    """(N, 64) ten times the means over the image of a random convolutional network's outputs; images uint8 (N, 1, S, S)."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torch.nn.Sequential(
            torch.nn.Conv2d(1, 32, 5, stride=2, padding=2),
            torch.nn.ReLU(),
            torch.nn.Conv2d(32, 64, 3, stride=2, padding=1),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
        ).eval()
    with torch.no_grad():
        return 10 * network(torch.from_numpy(images).float() / 127.5 - 1).numpy()


def pixels(images: torch.Tensor) -> np.ndarray:
    """[-1, 1] to uint8."""
    return ((images + 1) * 127.5).round().byte().numpy()


def drawn(trained: ClassConditional, noise: torch.Tensor, labels: torch.Tensor, name: str, steps: int) -> np.ndarray:
    """Images (N, 1, S, S) uint8 by our sampler."""
    images = []
    for some, of in zip(noise.split(BATCH), labels.split(BATCH), strict=True):
        images.append(pixels(trained.draw(some, of, Drawing(name, steps, GUIDANCE))))
    return np.concatenate(images)


def timed(runs: dict[str, Callable[[], np.ndarray]]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """The images (N, ...) that each makes, and its seconds an image in the fastest of the rounds, taken in turns."""
    images: dict[str, np.ndarray] = {}
    seconds: dict[str, float] = dict.fromkeys(runs, float("inf"))
    for _ in progress(range(ROUNDS), "rounds", unit="round"):
        for name, run in runs.items():
            started = time.perf_counter()
            images[name] = run()
            seconds[name] = min(seconds[name], (time.perf_counter() - started) / len(images[name]))
    return images, seconds


def seen(images: np.ndarray, labels: np.ndarray, names: list[str]) -> Images:
    """Images as the study's fidelity takes them; `names` say what is one unit."""
    return Images(labels, np.array(names), {(FD, KD): features(images)}, None)


def row(pool: np.ndarray, many: np.ndarray, labels: np.ndarray, real: Images) -> dict[str, Any]:
    """Distance with its interval, that of the difference from DDIM-500's, and how far images are from those of DDIM-500."""
    names = [str(number) for number in range(len(pool))]
    own, other = seen(pool, labels, names), seen(many, labels, names)
    value = score(own, real, MOST)[FD]
    few, all_steps, held_out = (images.features[FD, KD] for images in (own, other, real))
    left = [Units.of(images.names, images.labels, MOST) for images in (own, real)]
    without = [
        frechet.without(few, held_out, left[0].taken) - frechet.without(all_steps, held_out, left[0].taken),
        frechet.without(held_out, few, left[1].taken) - frechet.without(held_out, all_steps, left[1].taken),
    ]
    parts = [(units.deviation(values), units.freedom) for units, values in zip(left, without, strict=True)]
    difference = together(frechet.distance(few, held_out) - frechet.distance(all_steps, held_out), parts)
    apart = np.sqrt(((pool.astype(float) - many.astype(float)) ** 2).mean(axis=(1, 2, 3))).mean()
    return {
        FD: value.value,
        "ci95": value.interval(0.0),
        "difference": difference.value,
        "difference_ci95": difference.interval(),
        "apart": float(apart),
    }


def measure() -> dict[str, Any]:
    """Train, draw, time and compare."""
    params = load_params()
    generator = params.generator.model_copy(update={"steps": 600, "kinds": ["class"]})
    params = params.model_copy(update={"generator": generator})
    crops, labels, patients = phantom(params, TRAINING_PATIENTS, "T")
    held_out, held_labels, held_patients = phantom(params, HELD_OUT_PATIENTS, "H")
    size = params.preprocess.image_size
    fixed = [np.stack([fixed_crop(to_pixels(image), size) for image in some])[:, None] for some in (crops, held_out)]
    real = seen(fixed[1], held_labels, held_patients)
    with tempfile.TemporaryDirectory() as folder:
        trained = train(params, crops, labels, patients, Path(folder))
    noise = torch.stack([torch.randn(trained.noise_shape, generator=compute.generator(number)) for number in range(POOL)])
    wanted = torch.arange(POOL) % 2

    config = {**SCHEDULES[params.generator.noise_schedule], "prediction_type": params.generator.prediction_type}
    scheduler = DDIMScheduler(**config, timestep_spacing="trailing", clip_sample=False)
    pipeline = ClassPipeline(trained, scheduler)
    one = noise[:BATCH], wanted[:BATCH]
    runs: dict[str, Callable[[], np.ndarray]] = {REFERENCE: lambda: pixels(pipeline(*one, MANY[1]))}
    runs |= {f"{name} {steps}": partial(drawn, trained, *one, name, steps) for name, steps in SETTINGS}
    images, seconds = timed(runs)
    differing = np.abs(images[REFERENCE].astype(int) - images["{} {}".format(*MANY)].astype(int))
    pools = {setting: drawn(trained, noise, wanted, *setting) for setting in progress(SETTINGS, "pools", unit="pool")}

    rows = {f"{name} {steps}": row(pools[name, steps], pools[MANY], wanted.numpy(), real) for name, steps in SETTINGS}
    many = pools[MANY].astype(float)
    low, high = rows["{} {}".format(*MANY)]["ci95"]
    few = rows["{} {}".format(*FEW)]
    same = bool(differing.max() <= 1)
    return {
        "name": "sampling",
        "threads": torch.get_num_threads(),
        "images": POOL,
        "training_images": len(crops),
        "held_out_images": len(held_out),
        "training_to_held_out": score(seen(fixed[0], labels, patients), real, MOST)[FD].value,
        "seconds_an_image": seconds,
        "settings": rows,
        "unlike_images_apart": float(np.sqrt(((many - np.roll(many, 2, axis=0)) ** 2).mean(axis=(1, 2, 3))).mean()),
        "few_steps": "{} {}".format(*FEW),
        "inside_interval": bool(low <= few[FD] <= high),
        "ratio": seconds[REFERENCE] / seconds["{} {}".format(*FEW)],
        "largest_difference_to_reference": int(differing.max()),
        "same_result": same,
        "wanted": WANTED,
    }


def show(found: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("sampler and steps")
    for column in ("ms an image", "speed-up", FD, "95 % interval", "less that of 500", "apart"):
        table.add_column(column, justify="right")
    base = found["seconds_an_image"][REFERENCE]
    table.add_row(REFERENCE, f"{1000 * base:.1f}", "1.0", "", "", "", "")
    for name, told in found["settings"].items():
        seconds = found["seconds_an_image"][name]
        less = "" if name == "{} {}".format(*MANY) else "{:+.4f} to {:+.4f}".format(*told["difference_ci95"])
        table.add_row(
            name,
            f"{1000 * seconds:.1f}",
            f"{base / seconds:.1f}",
            f"{told[FD]:.4f}",
            "{:.4f} to {:.4f}".format(*told["ci95"]),
            less,
            f"{told['apart']:.2f}",
        )
    console = Console(highlight=False, width=120)
    console.print(table)
    console.print(
        f"{found['images']} images a pool against {found['held_out_images']} of held-out patients; training images themselves: "
        f"{found['training_to_held_out']:.4f}; unlike images are {found['unlike_images_apart']:.1f} grey levels apart"
    )
    inside = "inside" if found["inside_interval"] else "OUTSIDE"
    console.print(
        f"{found['few_steps']}: {found['ratio']:.1f} times as fast (wanted: {WANTED:g}), {inside} DDIM-500's interval"
    )
    most = found["largest_difference_to_reference"]
    console.print(f"the reference's images and ours with DDIM-500 differ by {most} grey levels at most")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="as the default study; so small a network gains nothing by 2")
    torch.set_num_threads(parser.parse_args().threads)
    result = measure()
    show(result)
    print(json.dumps(result))
