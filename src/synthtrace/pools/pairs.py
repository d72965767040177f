"""Pools of pairs: what is drawn, from which model and noise, and the drawing. A pair's batch of ledger rows draws it again."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import torch

from synthtrace.errors import InputError
from synthtrace.generators.pair_generators import Trained
from synthtrace.generators.pairs import repaint
from synthtrace.generators.pairs.stacks import parted
from synthtrace.generators.singan import sampling
from synthtrace.images import file_sha256, pixel_hash, to_pixels, write_image
from synthtrace.pair_tables import Pairs, training_pairs
from synthtrace.params.pairs import Inpainting
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.seeds import Seeds

INPAINTED, SINGAN, STYLED = "repaint", "singan", "style"
FROM_FILES = ("pixel_hash", "file_sha256", "mask_hash", "mask_sha256")
PLANNED = ["condition_image_id", "label", "seed", "cluster", "batch", "sampler", "steps"]


class Maker(Protocol):
    """Draws a batch of ledger rows: images uint8 (B, C, S, S) and masks uint8 (B, 1, S, S) that depend on the rows alone."""

    def draw(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Draw."""


@dataclass(frozen=True)
class Inpainter:
    """Paints the lesions of `training` pairs anew. A pair's last bits may depend on its batch, its noise does not."""

    trained: Trained
    training: Pairs
    inpainting: Inpainting

    def draw(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """See Maker; a batch is of one cluster."""
        sources, model = self.training.of(rows["condition_image_id"]), self.trained.denoiser(cluster_of(rows))
        seeds = [int(seed) for seed in rows["seed"]]
        return repaint.inpaint(model.unet, model.scheduler, sources.images, sources.masks, self.inpainting, seeds)


@dataclass(frozen=True)
class PyramidDrawer:
    """Draws from the SinGAN of a training pair; each pair by itself, so that its batch is no matter."""

    trained: Trained

    def draw(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """See Maker; a batch is of one model."""
        model = self.trained.pyramid(str(rows["condition_image_id"].iloc[0]))
        return parted(sampling.sample(model, [int(seed) for seed in rows["seed"]]))


def cluster_of(rows: pd.DataFrame) -> int | None:
    """The cluster of a batch of ledger rows; None where the generator has none."""
    return None if pd.isna(rows["cluster"].iloc[0]) else int(rows["cluster"].iloc[0])


def drawer(study: Path, kind: str, fold: int, params: SegmentationParams, device: torch.device) -> Inpainter | PyramidDrawer:
    """What draws the pool of a kind, read from the study in this folder."""
    trained = Trained(study / f"data/generators/{kind}/fold{fold}", device)
    if trained.family == "gan":
        return PyramidDrawer(trained)
    return Inpainter(trained, training_pairs(study, fold, params.preprocess.channels), params.inpainting)


def plan_pool(kind: str, fold: int, trained: Trained, training: Pairs, params: SegmentationParams) -> pd.DataFrame:
    """Ledger rows of the pool of a kind, before its images exist, of the `training` pairs that its models were given.

    Of a pair with a lesion, `inpainting.samples` or, from its SinGAN, `sampling.gan_samples`; of one without there is nothing
    to paint anew, and there are no rows; neither are there of a generator without models. No batch is of two models.

    Raises:
        InputError: no pair has a lesion, or the models were given pairs that are not among `training`.
    """
    wanted = set(trained.clusters)
    if not wanted:
        return as_ledger(kind, fold, pd.DataFrame(columns=PLANNED))
    own = training.of([image_id for image_id in training.image_ids if image_id in wanted])
    if lost := sorted(wanted - set(own.image_ids)):
        raise InputError(f"{kind}: its card names {lost[0]}, which is no training pair; train it again")
    if not own.lesions.any():
        raise InputError(f"{kind}: none of its {len(own)} training pairs has a lesion to draw anew; expected one or more")
    seeds = Seeds(params.seed)
    if trained.family == "gan":
        return _of_singan(kind, fold, trained, own, params.sampling.gan_samples, seeds)
    clusters = None if trained.family == "full_diff" else np.array([trained.clusters[name] for name in own.image_ids])
    return _inpainted(kind, fold, own, clusters, params.inpainting, seeds)


def _inpainted(
    kind: str, fold: int, pairs: Pairs, clusters: np.ndarray | None, inpainting: Inpainting, seeds: Seeds
) -> pd.DataFrame:
    """Rows stand cluster by cluster."""
    rows = repaint.plan(pairs.image_ids, pairs.masks, inpainting, seeds, ("sample", kind, fold))
    numbers = np.zeros(len(pairs), dtype=np.int64) if clusters is None else clusters
    rows["cluster"] = numbers[rows["row"]]
    rows = rows.sort_values("cluster", kind="stable", ignore_index=True)
    steps = repaint.evaluations(inpainting.respacing, inpainting.jump_length, inpainting.resamples)
    planned = pd.DataFrame(
        {
            "condition_image_id": rows["source_image_id"],
            "label": pairs.rows["label"].to_numpy()[rows["row"]],
            "seed": rows["seed"],
            "cluster": None if clusters is None else rows["cluster"],
            "batch": batches(rows["cluster"], inpainting.batch_size),
        }
    )
    return as_ledger(kind, fold, planned.assign(sampler=INPAINTED, steps=steps))


def _of_singan(kind: str, fold: int, trained: Trained, pairs: Pairs, samples: int, seeds: Seeds) -> pd.DataFrame:
    """A model's rows are a batch."""
    sources = pairs.take(np.flatnonzero(pairs.lesions))
    planned = [
        {
            "condition_image_id": image_id,
            "label": label,
            "seed": seeds.integer("sample", kind, fold, "noise", image_id, sample),
            "cluster": None,
            "batch": number,
        }
        for number, (image_id, label) in enumerate(zip(sources.image_ids, sources.rows["label"], strict=True))
        for sample in range(samples)
    ]
    # each scale of the pyramid is evaluated once
    steps = len(trained.pyramid(sources.image_ids[0]).shapes)
    return as_ledger(kind, fold, pd.DataFrame(planned).assign(sampler=SINGAN, steps=steps))


def batches(clusters: pd.Series, size: int) -> pd.Series:
    """Numbers of batches of at most `size` rows of one cluster, for rows that stand cluster by cluster."""
    within = clusters.groupby(clusters).cumcount() // size
    return pd.DataFrame({"cluster": clusters, "within": within}).groupby(["cluster", "within"]).ngroup()


def as_ledger(kind: str, fold: int, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of condition_image_id, label, seed, batch, cluster, sampler, steps and what rides along, as the ledger of a pool.

    What the files alone can tell is not there yet, and neither is the checkpoint.
    """
    index = np.arange(len(rows))
    image_ids = [f"{kind}-f{fold}-{number:05d}" for number in index]
    planned = rows.assign(
        image_id=image_ids,
        path=[f"images/{image_id}.png" for image_id in image_ids],
        mask_path=[f"masks/{image_id}.png" for image_id in image_ids],
        generator=kind,
        fold=fold,
        index=index,
        condition_seed=None,
        guidance_scale=np.nan,
    )
    return planned.astype({"condition_image_id": "string", "condition_seed": "Int64", "cluster": "Int64"})


def draw_pool(folder: Path, plan: pd.DataFrame, maker: Maker, numbers: Iterable[int]) -> pd.DataFrame:
    """Draw the batches `numbers` of a plan, write `images/` and `masks/` below `folder`, and return their ledger rows.

    They lack `checkpoint` alone.
    """
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    done = []
    for number in numbers:
        rows = plan[plan["batch"] == number]
        images, masks = maker.draw(rows)
        hashes, files = _written(folder, rows["path"], images)
        mask_hashes, mask_files = _written(folder, rows["mask_path"], masks)
        done.append(rows.assign(pixel_hash=hashes, file_sha256=files, mask_hash=mask_hashes, mask_sha256=mask_files))
    return pd.concat(done, ignore_index=True) if done else plan.assign(**dict.fromkeys(FROM_FILES, ""))


def _written(folder: Path, paths: pd.Series, images: np.ndarray) -> tuple[list[str], list[str]]:
    """Write images (B, C, S, S) as PNG; their pixel hashes and the files' sha256."""
    hashes, files = [], []
    for path, image in zip(paths, images, strict=True):
        pixels = to_pixels(image)
        write_image(folder / path, pixels)
        hashes.append(pixel_hash(pixels))
        files.append(file_sha256(folder / path))
    return hashes, files
