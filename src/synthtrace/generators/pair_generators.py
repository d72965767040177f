"""Generators of pairs as a study keeps them: a model for all pairs, one a cluster, or one a pair (paper 2, Sections 2 and 3).

A generator is a folder with one card over all of its models, whose folders lie in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthtrace.cards import Seen, checkpoint_digest, read_card, write_card
from synthtrace.errors import InputError
from synthtrace.generators.pairs import network
from synthtrace.generators.pairs.network import Denoiser
from synthtrace.generators.pairs.stacks import joined
from synthtrace.generators.pairs.training import train_pairs
from synthtrace.generators.protocol import Fitted
from synthtrace.generators.singan import sampling, training
from synthtrace.generators.singan.network import PairGenerator
from synthtrace.pair_tables import Pairs
from synthtrace.params.segmentation import Family, Model, SegmentationParams
from synthtrace.seeds import Seeds
from synthtrace.stage import progress
from synthtrace.tracking import Tracker

WHOLE = "."


@dataclass(frozen=True)
class PairJob:
    """The training of a kind: the pairs that it may see, the cluster of each (N,), and where it runs.

    A small set keeps the clusters that its pairs have among all training pairs; a cluster without any of it has no model.
    """

    kind: str
    fold: int
    pairs: Pairs
    clusters: np.ndarray
    params: SegmentationParams
    tracker: Tracker
    device: torch.device

    @property
    def names(self) -> tuple[str | int, ...]:
        """The names of its random streams."""
        return "train_generator", self.kind, self.fold


def clusters_of(table: pd.DataFrame, image_ids: list[str]) -> np.ndarray:
    """(N,) the cluster of each image; raises InputError, naming the first, when `table` (image_id, cluster) lacks one."""
    known = dict(zip(table["image_id"].astype(str), table["cluster"].astype(int), strict=True))
    for image_id in image_ids:
        if image_id not in known:
            raise InputError(f"clusters.csv: no row of {image_id!r}; expected a cluster for every training pair")
    return np.array([known[image_id] for image_id in image_ids], dtype=np.int64)


def model_folder(family: Family, image_id: str, cluster: int | None) -> str:
    """The folder, within its generator's, of the model that a training pair belongs to."""
    return {"full_diff": WHOLE, "diff": f"cluster{cluster}", "gan": image_id}[family]


def models(family: Family, pairs: Pairs, clusters: np.ndarray) -> dict[str, list[int]]:
    """Positions of the pairs that each model learns from, by its folder.

    Pairs without lesion teach diffusion models; a SinGAN of one could draw nothing else, and there is none.
    """
    found: dict[str, list[int]] = {}
    for position in np.argsort(clusters, kind="stable") if family == "diff" else range(len(pairs)):
        if family != "gan" or pairs.lesions[position]:
            name = model_folder(family, pairs.image_ids[position], int(clusters[position]))
            found.setdefault(name, []).append(int(position))
    return found


def train(job: PairJob, folder: Path) -> dict[str, Any]:
    """Train all models of a kind below `folder` and write the card, which is returned; of no pairs there are no models.

    Of the card: `image_ids` and `patient_ids` that the trainings drew, `steps` of all of them, `losses` (means over models),
    and `models`: of each folder its `cluster`, the pairs that it was `given`, and `image_ids`, `steps` and `losses` of its own.

    Raises:
        InputError: no pair has a lesion that a SinGAN could learn, a setting does not fit the pairs, or a training has failed.
    """
    family = Model.of(job.kind).family
    parts = models(family, job.pairs, job.clusters)
    if not parts and len(job.pairs):
        raise InputError(f"{job.kind}: none of the {len(job.pairs)} training pairs has a lesion; expected one or more")
    fitted: dict[str, Fitted] = {}
    for name, positions in progress(parts.items(), job.kind, len(parts), unit="model"):
        fitted[name] = _TRAINED_BY[family](job, job.pairs.take(positions), name, folder / name)
    seen = Seen()
    for one in fitted.values():
        seen.add(one.image_ids)
    names = next(iter(fitted.values())).losses if fitted else ()
    losses = {name: float(np.mean([one.losses[name] for one in fitted.values()])) for name in names}
    folder.mkdir(parents=True, exist_ok=True)
    settings = job.params.singan if family == "gan" else job.params.diffusion
    write_card(
        folder,
        kind=job.kind,
        fold=job.fold,
        params=settings.model_dump(),
        seed=job.params.seed,
        steps=sum(one.steps for one in fitted.values()),
        losses=losses,
        models={
            name: {
                "cluster": int(job.clusters[parts[name][0]]) if family == "diff" else None,
                "given": sorted(job.pairs.image_ids[position] for position in parts[name]),
                "image_ids": sorted(one.image_ids),
                "steps": one.steps,
                "losses": one.losses,
            }
            for name, one in fitted.items()
        },
        **seen.card_fields(job.pairs.rows),
    )
    return read_card(folder)


class _Quiet(Tracker):
    """Logs nothing step by step."""

    def __init__(self) -> None:
        super().__init__(None)

    def log(self, values: dict[str, float], step: int) -> None:
        """Say nothing: the curve of one of several models is logged whole, on an axis of its own."""


def _diffusion(job: PairJob, pairs: Pairs, name: str, folder: Path) -> Fitted:
    settings, compute = job.params.diffusion, job.params.compute
    names, tracker = (job.names, job.tracker) if name == WHOLE else ((*job.names, name), _Quiet())
    stack = joined(pairs.images, pairs.masks)
    seeds = Seeds(job.params.seed)
    unet, recorder = train_pairs(stack, pairs.image_ids, settings, seeds, names, job.device, compute.precision, tracker)
    if name != WHOLE:
        job.tracker.curve(name, recorder.losses, [settings.learning_rate] * len(recorder.losses))
    network.save(unet.cpu(), network.noising(settings), folder)
    return Fitted(recorder.seen.image_ids, len(recorder.losses), {"last_tenth": recorder.final_loss()}, {})


def _singan(job: PairJob, pairs: Pairs, name: str, folder: Path) -> Fitted:
    (pair,), seeds = joined(pairs.images, pairs.masks), Seeds(job.params.seed)
    model, fitted = training.train(pair, name, job.params.singan, seeds, job.names, job.device, job.tracker)
    sampling.save(model, folder)
    return fitted


_TRAINED_BY: dict[Family, Callable[[PairJob, Pairs, str, Path], Fitted]] = {
    "full_diff": _diffusion,
    "diff": _diffusion,
    "gan": _singan,
}


class Trained:
    """A generator that `train` wrote; of its models the one asked for last is in memory, on `device`.

    `family`; `digest`, which stands for all of its weights; `clusters`, by image id, of the pairs that its models were given.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        card = read_card(folder)
        self.family: Family = Model.of(card["kind"]).family
        self.digest = checkpoint_digest(folder)
        self.clusters: dict[str, int | None] = {
            image_id: one["cluster"] for one in card["models"].values() for image_id in one["given"]
        }
        self._folder, self._device = folder, device
        self._read: tuple[str, Any] = ("", None)

    def denoiser(self, cluster: int | None) -> Denoiser:
        """The diffusion model of a cluster, or, of the family full_diff, the one of all."""
        return self._model(model_folder(self.family, "", cluster), self._denoiser)

    def pyramid(self, image_id: str) -> PairGenerator:
        """The SinGAN of a training pair."""
        return self._model(model_folder(self.family, image_id, None), lambda place: sampling.load(place, self._device))

    def _denoiser(self, place: Path) -> Denoiser:
        unet, scheduler = network.load(place, self._device)
        return Denoiser(unet.requires_grad_(False), scheduler)

    def _model(self, name: str, read: Callable[[Path], Any]) -> Any:
        if self._read[0] != name:
            if not (self._folder / name).is_dir():
                raise InputError(f"{self._folder / name}: no such model; the generator has none of this pair or cluster")
            self._read = (name, read(self._folder / name))
        return self._read[1]
