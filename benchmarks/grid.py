"""A training grid with frozen layers, ours against a plain timm and DataLoader loop: `python benchmarks/grid.py`.

The reference is what one writes first: a network from timm with its first layers frozen, a DataLoader, every layer run in each
step. Ours computes the frozen layers once an image and its mirror image, and shares them by seeds and mixing rates; filling
that cache is part of its time, as are making the networks and predicting the test images. Both train the same networks on the
same batches, one training of the one after one of the other, and must give the same logits. The images are few, so that an
image is drawn about as often as in a grid of five seeds and three rates of some hundred steps. Weights are random, from a fixed
seed, with the batch-norm statistics of noise.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
import yaml
from rich.console import Console
from rich.table import Table
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from synthtrace import backbones, compute
from synthtrace.classify.freezing import cut
from synthtrace.classify.grid import train_grid
from synthtrace.classify.mixing import LabelledImages, draw, mixed_in
from synthtrace.classify.recipes import Recipe
from synthtrace.classify.scenarios import FoldData
from synthtrace.params import Freezing, Params, parse_params
from synthtrace.seeds import Seeds

ROOT = Path(__file__).parents[1]
BACKBONE = "resnet50"
RATES = [0.5, 1.0]
# logits may differ by this much: float32 sums in another order, bfloat16 rounds to 8 bits
TOLERANCE = {"float32": 1e-3, "bfloat16": 5e-2}
MATRIX = 2048


@dataclass(frozen=True)
class Case:
    """What is compared: how much is frozen, where, on images of which side, by how many steps and seeds."""

    freezing: Freezing
    device: str
    side: int
    steps: int
    seeds: int

    @property
    def name(self) -> str:
        """For the table."""
        return f"{BACKBONE}, frozen: {self.freezing}, {self.side} px, {self.device}"


def settings(case: Case, weights: Path) -> Params:
    """The shipped parameters with the paper's classifier."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    tree["compute"]["precision"] = "bfloat16"
    tree["classifier"].update(weights=str(weights), steps=case.steps, batch_size=32, learning_rate=2.0e-5, weight_decay=0.01)
    return parse_params(tree)


def random_weights() -> dict[str, torch.Tensor]:
    """A state of the backbone in which every layer matters, but not so much that rounding errors grow from layer to layer."""
    compute.seed_everything(0)
    model = timm.create_model(BACKBONE)
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            if name.endswith("bn3"):  # the last of a residual branch, which timm initialises with 0
                nn.init.constant_(module.weight, 0.2)
    with torch.no_grad():
        model(torch.randn(16, 3, 64, 64))
    return model.state_dict()


def images(count: int, side: int, name: str) -> LabelledImages:
    """Noise, brighter for class 1."""
    rng = np.random.default_rng(len(name))
    labels = np.arange(count) % 2
    pixels = rng.integers(0, 200, (count, 1, side, side), dtype=np.uint8) + (50 * labels).astype(np.uint8)[:, None, None, None]
    return LabelledImages(pixels, labels, [f"{name}{number}" for number in range(count)])


def fold(case: Case, params: Params) -> FoldData:
    """24 real images, a pool of 24 synthetic ones, 8 to test."""
    real, pool, test = (images(count, case.side, name) for count, name in ((24, "real"), (24, "pool"), (8, "test")))
    count, seeds = mixed_in(max(RATES), 24), Seeds(params.seed)
    return FoldData(
        0,
        real,
        test,
        test.image_ids,
        lambda _, seed: pool.take(draw(np.ones(24, dtype=bool), count, seeds.stream("draw", "benchmark", 0, seed))),
        24,
    )


class Images(Dataset):
    """Normalised images, mirrored or not, with their labels, by (index, mirrored)."""

    def __init__(self, data: LabelledImages, mean: float, deviation: float) -> None:
        self.data, self.mean, self.deviation = data, mean, deviation

    def __getitem__(self, item: tuple[int, bool]) -> tuple[torch.Tensor, int]:
        index, mirrored = item
        image = torch.from_numpy(self.data.images[index]).float() / 255
        return ((image.flip(-1) if mirrored else image) - self.mean) / self.deviation, int(self.data.labels[index])


def batches(count: int, params: Params, seed: int) -> Iterator[list[tuple[int, bool]]]:
    """The batches that our loop draws: shuffle after shuffle, each image mirrored or not."""
    seeds, names = Seeds(params.seed), ("classify", BACKBONE, 0, seed)
    size, steps = params.classifier.batch_size, params.classifier.steps
    shuffle, noise = seeds.stream(*names, "batches"), compute.generator(seeds.integer(*names, "augment"))
    order = np.concatenate([shuffle.permutation(count) for _ in range(-(-steps * size // count))])
    for step in range(steps):
        mirrored = torch.rand(size, generator=noise) < 0.5
        yield list(zip(order[step * size : (step + 1) * size].tolist(), mirrored.tolist(), strict=True))


def reference(data: FoldData, rate: float, seed: int, case: Case, params: Params) -> np.ndarray:
    """Logit margins of the test images after one training by the plain loop."""
    device, chosen = torch.device(case.device), params.classifier
    compute.seed_everything(Seeds(params.seed).integer("classify", BACKBONE, 0, seed, "init"))
    overlay = {"file": chosen.weights}
    model = timm.create_model(BACKBONE, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=2, in_chans=1).to(device)
    trained = nn.ModuleList([model.layer4, model.fc] if case.freezing == "partial" else [model.fc])
    model.eval().requires_grad_(False)
    trained.train().requires_grad_(True)
    mean, deviation = np.mean(model.pretrained_cfg["mean"]), np.mean(model.pretrained_cfg["std"])
    count = mixed_in(rate, len(data.train.labels))
    dataset = Images(data.train + data.mixed(None, seed).take(range(count)), mean, deviation)
    loader = DataLoader(dataset, batch_sampler=batches(len(dataset.data.labels), params, seed))
    optimiser = torch.optim.AdamW(trained.parameters(), lr=chosen.learning_rate, weight_decay=chosen.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, chosen.steps)
    for batch, labels in loader:
        loss = functional.cross_entropy(model(batch.to(device)), labels.to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    model.eval()
    test = DataLoader(Images(data.test, mean, deviation), batch_sampler=[[(index, False) for index in range(8)]])
    with torch.no_grad():
        logits = torch.cat([model(batch.to(device)) for batch, _ in test])
    return (logits[:, 1] - logits[:, 0]).double().cpu().numpy()


def timed(work: Any) -> tuple[Any, float]:
    """What a call returns, and its seconds."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    started = time.perf_counter()
    result = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return result, time.perf_counter() - started


def compare(case: Case, weights: Path) -> dict[str, Any]:
    """Train the whole grid in both ways, in turn."""
    params = settings(case, weights)
    data = fold(case, params)
    recipe = Recipe(BACKBONE, BACKBONE, case.freezing, False, case.seeds, RATES, "flip")
    grid = train_grid([data], [recipe], params, torch.device(case.device))
    ours = plain = difference = 0.0
    everything = []
    for seed in range(case.seeds):
        for rate in RATES:
            trained, seconds = timed(lambda: next(grid))
            ours += seconds
            margins, seconds = timed(lambda rate=rate, seed=seed: reference(data, rate, seed, case, params))
            plain += seconds
            found = np.log(trained.predictions["p1"] / trained.predictions["p0"])
            everything.append(margins)
            difference = max(difference, float(np.abs(found - margins).max()))
    trainings = case.seeds * len(RATES)
    precision = compute.precision(params.compute.precision, torch.device(case.device))
    return {
        "case": case.name,
        "trainings": trainings,
        "steps": case.steps,
        "reference_seconds": plain,
        "seconds": ours,
        "ratio": plain / ours,
        "largest_difference": difference,
        "deviation_of_margins": float(np.std(everything)),
        "same_result": difference < TOLERANCE[precision],
        **work_rate(case, precision),
    }


def work_rate(case: Case, precision: str) -> dict[str, float]:
    """Floating-point operations a second of our training step, and of a large product of matrices on the same device."""
    device = torch.device(case.device)
    rest, values = boundary(case, device)
    labels = torch.zeros(len(values), dtype=torch.long, device=device)
    seeds = Seeds(0)

    def fit(steps: int) -> None:
        backbones.fit(
            rest,
            lambda index, _: values[index],
            labels,
            steps=steps,
            batch_size=32,
            optimizer="adamw",
            schedule="cosine",
            learning_rate=2e-5,
            weight_decay=0.01,
            seeds=seeds,
            names=("benchmark",),
            device=device,
            precision=precision,
        )

    with FlopCounterMode(display=False) as counter:
        fit(1)
    seconds = min(timed(lambda: fit(4))[1] / 4 for _ in range(3))
    matrix = torch.randn(MATRIX, MATRIX, device=device, dtype=getattr(torch, precision))
    product = min(timed(lambda: matrix @ matrix)[1] for _ in range(40))
    achieved, peak = counter.get_total_flops() / seconds, 2 * MATRIX**3 / product
    return {"flops_a_second": achieved, "matmul_flops_a_second": peak, "share_of_matmul": achieved / peak}


def boundary(case: Case, device: torch.device) -> tuple[nn.Module, torch.Tensor]:
    """The trained part of the network, and activations of 32 images that it is fed."""
    model = backbones.place(backbones.create(BACKBONE, 2, 1), device)
    parts = cut(model, BACKBONE, case.freezing)
    with torch.no_grad():
        values = parts.trunk(torch.randn(32, 1, case.side, case.side, device=device))
    return parts.rest, values


def measure(side: int, steps: int) -> dict[str, Any]:
    """All cases that this machine can run; `ratio` is that of the partly frozen network on the CPU."""
    cases = [Case("partial", "cpu", side, steps, 2), Case("all", "cpu", side, steps, 2)]
    if torch.cuda.is_available():
        cases += [Case(freezing, "cuda", 256, 200, 4) for freezing in ("partial", "all")]
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        save_file(random_weights(), weights)
        results = [compare(case, weights) for case in cases]
    return {
        "name": "grid",
        "ratio": results[0]["ratio"],
        "same_result": all(result["same_result"] for result in results),
        "threads": torch.get_num_threads(),
        "cases": results,
    }


def show(found: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("case")
    for column in ("trainings x steps", "reference s", "ours s", "ratio", "difference", "GFLOP/s", "of matmul"):
        table.add_column(column, justify="right")
    for case in found["cases"]:
        table.add_row(
            case["case"],
            f"{case['trainings']} x {case['steps']}",
            f"{case['reference_seconds']:.1f}",
            f"{case['seconds']:.1f}",
            f"{case['ratio']:.1f}",
            f"{case['largest_difference']:.1e}",
            f"{case['flops_a_second'] / 1e9:.2f}",
            f"{case['share_of_matmul']:.1%}",
        )
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=140)
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=128, help="side of the images on the CPU")
    parser.add_argument("--steps", type=int, default=24, help="steps a training on the CPU")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    result = measure(arguments.side, arguments.steps)
    show(result)
    print(json.dumps(result))
