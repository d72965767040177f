"""The training grid of a scenario: every backbone, fold and seed, an equal number of steps at every mixing rate."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pandas as pd
import torch

from synthtrace import backbones, compute
from synthtrace.classify.mixing import LabelledImages
from synthtrace.classify.scenarios import FoldData
from synthtrace.params import Params
from synthtrace.seeds import Seeds


@dataclass(frozen=True)
class Trained:
    """One training: its predictions, what it saw, its losses, and the model."""

    backbone: str
    seed: int
    fold: int
    predictions: pd.DataFrame
    training: pd.DataFrame
    losses: list[float]
    learning_rates: list[float]
    model: torch.nn.Module

    @property
    def name(self) -> str:
        """Backbone, fold and seed."""
        return f"{self.backbone}/fold{self.fold}/seed{self.seed}"


@dataclass
class Collected:
    """A grid's tables, and its first training whole; the other models are let go."""

    first: Trained | None = None
    predictions: list[pd.DataFrame] = field(default_factory=list)
    training: list[pd.DataFrame] = field(default_factory=list)

    def add(self, trained: Trained) -> None:
        """Take one training in."""
        self.first = self.first or trained
        self.predictions.append(trained.predictions)
        self.training.append(trained.training)


def flip(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Mirror each image (B, C, H, W) left to right with probability 1/2."""
    mirrored = (torch.rand(len(batch), generator=generator) < 0.5).to(batch.device)
    return torch.where(mirrored[:, None, None, None], batch.flip(-1), batch)


def train_grid(folds: Iterable[FoldData], mixing_rate: float, params: Params, device: torch.device) -> Iterator[Trained]:
    """Yield the trainings, fold by fold.

    Initial weights and augmentation noise are named by backbone, fold and seed alone: scenarios and rates are paired by
    seed. The weights after the last step predict the fold's test images; nothing is chosen on them.
    """
    for data in folds:
        for seed in range(params.classifier.seeds):
            training = data.train + data.mixed(seed) if data.mixed else data.train
            for backbone in params.classifier.backbones:
                yield _train(backbone, seed, data, training, mixing_rate, params, device)


def _train(
    backbone: str,
    seed: int,
    data: FoldData,
    training: LabelledImages,
    mixing_rate: float,
    params: Params,
    device: torch.device,
) -> Trained:
    settings = params.classifier
    names = ("classify", backbone, data.fold, seed)
    seeds = Seeds(params.seed)
    compute.seed_everything(seeds.integer(*names, "init"))
    model = backbones.create(backbone, len(params.dataset.labels), params.preprocess.channels, settings.weights)
    if settings.weights is None:
        backbones.standardise(model, data.train.images)
    fitted = backbones.fit(
        model,
        torch.from_numpy(training.images).to(device),
        torch.from_numpy(training.labels).to(device),
        steps=settings.steps,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        augment=flip if settings.augmentation == "flip" else None,
        seeds=seeds,
        names=names,
        device=device,
    )
    probabilities = backbones.predict(model, torch.from_numpy(data.test.images).to(device))
    key = {"backbone": backbone, "mixing_rate": mixing_rate, "seed": seed, "fold": data.fold}
    predictions = pd.DataFrame(
        {
            **key,
            "image_id": data.test.image_ids,
            "patient_id": data.test_patients,
            "label": data.test.labels,
            **{f"p{label}": probabilities[:, label] for label in range(probabilities.shape[1])},
        }
    )
    seen = [training.image_ids[index] for index in sorted(fitted["seen"])]
    return Trained(
        backbone=backbone,
        seed=seed,
        fold=data.fold,
        predictions=predictions,
        training=pd.DataFrame({**key, "image_id": seen}),
        losses=fitted["losses"],
        learning_rates=fitted["learning_rates"],
        model=model,
    )
