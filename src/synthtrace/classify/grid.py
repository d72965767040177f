"""The training grid of a scenario: every fold, recipe, seed and mixing rate, an equal number of steps in each phase."""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch

from synthtrace import backbones, compute
from synthtrace.classify.augment import AUGMENTATIONS
from synthtrace.classify.freezing import cut
from synthtrace.classify.inputs import Fed, activations, whole_images
from synthtrace.classify.mixing import LabelledImages, mixed_in, upsampled
from synthtrace.classify.modes import Phase, phases
from synthtrace.classify.recipes import Recipe
from synthtrace.classify.scenarios import FoldData
from synthtrace.classify.trunk import Trunk
from synthtrace.params import Params
from synthtrace.seeds import Seeds
from synthtrace.tables import PREDICTIONS, UNFILLED

TRAINING = ["backbone", "mixing_rate", "seed", "fold", "image_id"]
# what tells the trainings of a recipe from those of another
OF_RECIPE = ["run", "selection", "mode"]


@dataclass(frozen=True)
class Trained:
    """One training: its predictions, what it saw, its losses, and the model."""

    recipe: Recipe
    mixing_rate: float
    seed: int
    fold: int
    predictions: pd.DataFrame
    training: pd.DataFrame
    losses: list[float]
    learning_rates: list[float]
    model: torch.nn.Module

    @property
    def name(self) -> str:
        """Recipe, mixing rate, fold and seed."""
        recipe = self.recipe
        return f"{recipe.label}/rate{self.mixing_rate}/fold{self.fold}/seed{self.seed}"


@dataclass
class Collected:
    """A grid's tables, and its first training whole; the other models are let go.

    `unfilled` (tables.UNFILLED): points that are not trained, because their selection kept too few.
    """

    first: Trained | None = None
    unfilled: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=UNFILLED))
    _predictions: list[pd.DataFrame] = field(default_factory=list)
    _training: list[pd.DataFrame] = field(default_factory=list)

    def add(self, trained: Trained) -> None:
        """Take one training in."""
        self.first = self.first or trained
        recipe = trained.recipe
        key = {"run": recipe.name, "selection": recipe.selection, "mode": recipe.mode}
        self._predictions.append(trained.predictions.assign(**key))
        self._training.append(trained.training.assign(**key))

    def predicted(self, classes: int) -> pd.DataFrame:
        """OF_RECIPE, tables.PREDICTIONS and a probability a class, a row a training and test image."""
        return _joined(self._predictions, [*PREDICTIONS, *(f"p{label}" for label in range(classes))])

    def drawn(self) -> pd.DataFrame:
        """OF_RECIPE and TRAINING, a row a training and image that it drew."""
        return _joined(self._training, TRAINING)


def _joined(tables: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    empty = pd.DataFrame(columns=[*OF_RECIPE, *columns])
    return pd.concat(tables, ignore_index=True)[empty.columns.tolist()] if tables else empty


def train_grid(folds: Iterable[FoldData], recipes: list[Recipe], params: Params, device: torch.device) -> Iterator[Trained]:
    """Yield the trainings, fold by fold.

    Initial weights, order of batches and augmentation noise are named by backbone, fold and seed alone, and in a phase of
    synthetic images alone by that (`modes.phases`): scenarios, selections, rates, freezings and balances are paired by seed.
    The weights after the last step predict the fold's test images; nothing is chosen on them. One frozen trunk is kept at a
    time: with pretrained weights it serves all seeds and rates of a backbone and freezing, without them each seed has its own.
    """
    settings = params.classifier
    for data in folds:
        trunk: Trunk | None = None
        trunk_of: tuple | None = None
        for recipe in recipes:
            for seed in range(recipe.seeds):
                start = _start(recipe.backbone, seed, data, params, device)
                images = data.train + data.mixed(recipe.selection, seed) if data.mixed else data.train
                if recipe.freezing == "none":
                    feed = whole_images(images.images, data.test.images, AUGMENTATIONS[recipe.augmentation], device)
                else:
                    own = seed if settings.weights is None else None
                    wanted = (recipe.backbone, recipe.freezing, recipe.augmentation, own)
                    if trunk is None or wanted != trunk_of:
                        trunk = None  # its memory goes before the next one takes any
                        trunk, trunk_of = _trunk(start, recipe, data, params, device), wanted
                    feed = activations(images.images, data.test.images, trunk, recipe)
                for rate in recipe.rates:
                    yield _train(recipe, rate, seed, data, images, feed(copy.deepcopy(start)), params, device)


def _names(backbone: str, data: FoldData, seed: int) -> backbones.Names:
    return ("classify", backbone, data.fold, seed)


def _start(backbone: str, seed: int, data: FoldData, params: Params, device: torch.device) -> torch.nn.Module:
    """The network before its first step."""
    compute.seed_everything(Seeds(params.seed).integer(*_names(backbone, data, seed), "init"))
    weights = params.classifier.weights
    channels, side = data.train.images.shape[1:3]
    model = backbones.create(backbone, len(params.dataset.labels), channels, weights, side=side)
    if weights is None:
        backbones.standardise(model, data.train.images)
    return backbones.place(model, device)


def _trunk(start: torch.nn.Module, recipe: Recipe, data: FoldData, params: Params, device: torch.device) -> Trunk:
    half = compute.precision(params.compute.precision, device) == "bfloat16"
    return Trunk(
        start,
        cut(start, recipe.backbone, recipe.freezing).trunk,
        mirror=recipe.augmentation == "flip",
        capacity=len(data.train.labels) + len(data.test.labels) + data.different,
        device=device,
        dtype=torch.bfloat16 if half else torch.float32,
    )


def _phases(recipe: Recipe, rate: float, seed: int, data: FoldData, seeds: Seeds) -> list[Phase]:
    """Which of a seed's images are trained on at a rate: real ones, balanced where asked for, and the first mixed ones."""
    real = len(data.train.labels)
    chosen = np.arange(real)
    if recipe.balanced:
        chosen = upsampled(data.train.labels, seeds.stream("balance", data.fold, seed))
    return phases(recipe.mode, chosen, real + np.arange(mixed_in(rate, real)))


def _train(
    recipe: Recipe,
    rate: float,
    seed: int,
    data: FoldData,
    images: LabelledImages,
    fed: Fed,
    params: Params,
    device: torch.device,
) -> Trained:
    seeds = Seeds(params.seed)
    seen: set[int] = set()
    losses: list[float] = []
    learning_rates: list[float] = []
    for phase in _phases(recipe, rate, seed, data, seeds):
        fitted = _fit(fed, phase, images, (*_names(recipe.backbone, data, seed), *phase.names), params, device)
        seen |= set(phase.positions[list(fitted["seen"])].tolist())
        losses += fitted["losses"]
        learning_rates += fitted["learning_rates"]
    probabilities = fed.predict()
    key = {"backbone": recipe.backbone, "mixing_rate": rate, "seed": seed, "fold": data.fold}
    predictions = pd.DataFrame(
        {
            **key,
            "image_id": data.test.image_ids,
            "patient_id": data.test_patients,
            "label": data.test.labels,
            **{f"p{label}": probabilities[:, label] for label in range(probabilities.shape[1])},
        }
    )
    return Trained(
        recipe=recipe,
        mixing_rate=rate,
        seed=seed,
        fold=data.fold,
        predictions=predictions,
        training=pd.DataFrame({**key, "image_id": [images.image_ids[position] for position in sorted(seen)]}),
        losses=losses,
        learning_rates=learning_rates,
        model=fed.model,
    )


def _fit(
    fed: Fed, phase: Phase, images: LabelledImages, names: backbones.Names, params: Params, device: torch.device
) -> backbones.Fitted:
    settings = params.classifier
    drawn_from = torch.from_numpy(phase.positions).to(device)
    return backbones.fit(
        fed.network,
        lambda index, noise: fed.draw(drawn_from[index], noise),
        torch.from_numpy(images.labels[phase.positions]).to(device),
        steps=settings.steps,
        batch_size=settings.batch_size,
        optimizer=settings.optimizer,
        schedule=settings.schedule,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        seeds=Seeds(params.seed),
        names=names,
        device=device,
        precision=compute.precision(params.compute.precision, device),
    )
