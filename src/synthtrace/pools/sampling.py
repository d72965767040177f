"""Draw a pool: every image has a noise stream of its own, and its ledger row is enough to draw it again."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthtrace import compute
from synthtrace.errors import InputError
from synthtrace.generators.protocol import Choice, Family, Reference
from synthtrace.images import file_sha256, load_stack, pixel_hash, to_pixels, write_image
from synthtrace.params import Drawing, Sample
from synthtrace.seeds import Seeds


def reference(crops: Path, rows: pd.DataFrame, image_size: int, distortion: float) -> Reference:
    """What conditions are drawn from: the given rows of the crops manifest, a fold's training images."""
    return Reference(
        image_ids=rows["image_id"].astype(str).tolist(),
        labels=np.asarray(rows["label"], dtype=np.int64),
        maps=load_stack([crops / path for path in rows["map_path"]], 1)[:, 0],
        map_size=image_size // 2,
        distortion=distortion,
    )


def wanted_labels(params: Sample, labels: np.ndarray, classes: int, seeds: Seeds, names: tuple[str | int, ...]) -> np.ndarray:
    """Label of every image of a pool, (params.images,).

    `balanced` cycles through the classes, so every prefix is balanced; `prior` draws from the training images' labels.
    """
    if params.labels == "balanced":
        return np.arange(params.images) % classes
    return seeds.stream(*names, "labels").choice(labels, size=params.images)


def plan_pool(
    family: Family, kind: str, fold: int, reference: Reference, params: Sample, drawing: Drawing, classes: int, seeds: Seeds
) -> pd.DataFrame:
    """Ledger rows of a pool before its images exist: what each image shows, its batch and its seeds."""
    names: tuple[str | int, ...] = ("sample", kind, fold)
    labels = wanted_labels(params, reference.labels, classes, seeds, names)
    rows = []
    for index in range(params.images):
        choice = family.choose(index, int(labels[index]), reference, seeds, names)
        image_id = f"{kind}-f{fold}-{index:05d}"
        rows.append(
            {
                "image_id": image_id,
                "path": f"images/{image_id}.png",
                "label": choice.label,
                "generator": kind,
                "fold": fold,
                "index": index,
                "batch": index // params.batch_size,
                "seed": seeds.integer(*names, "noise", index),
                "condition_image_id": choice.condition_image_id,
                "condition_seed": choice.condition_seed,
                "sampler": drawing.sampler,
                "steps": drawing.steps,
                "guidance_scale": drawing.guidance_scale,
            }
        )
    plan = pd.DataFrame(rows)
    return plan.astype({"condition_image_id": "string", "condition_seed": "Int64"})


def sample_batch(rows: pd.DataFrame, family: Family, reference: Reference, device: torch.device) -> np.ndarray:
    """Images of one batch of ledger rows, uint8 (B, C, S, S); noise and conditions come from the rows alone.

    Raises:
        InputError: the generator draws pixels that are no numbers.
    """
    noise = torch.stack([torch.randn(family.noise_shape, generator=compute.generator(int(seed))) for seed in rows["seed"]])
    choices = [
        Choice(int(row["label"]), _or_none(row["condition_image_id"]), _or_none(row["condition_seed"]))
        for _, row in rows.iterrows()
    ]
    condition = torch.stack([family.realise(choice, reference) for choice in choices])
    first = rows.iloc[0]
    drawing = Drawing(str(first["sampler"]), int(first["steps"]), float(first["guidance_scale"]))
    images = family.draw(noise.to(device), condition.to(device), drawing)
    if not torch.isfinite(images).all():
        raise InputError(
            f"{first['image_id']}: its batch has pixels that are no numbers; expected a generator that draws images"
        )
    return ((images + 1) * 127.5).round().byte().cpu().numpy()


def write_pool_images(folder: Path, rows: pd.DataFrame, images: np.ndarray) -> pd.DataFrame:
    """Write a batch's PNG files below `folder` and return its rows with `pixel_hash` and `file_sha256`."""
    hashes: list[str] = []
    files: list[str] = []
    for path, image in zip(rows["path"], images, strict=True):
        pixels = to_pixels(image)
        write_image(folder / path, pixels)
        hashes.append(pixel_hash(pixels))
        files.append(file_sha256(folder / path))
    return rows.assign(pixel_hash=hashes, file_sha256=files)


def draw_pool(
    folder: Path,
    plan: pd.DataFrame,
    family: Family,
    reference: Reference,
    device: torch.device,
    batches: Iterable[int],
) -> pd.DataFrame:
    """Draw the batches of a plan, write their images below `folder`, and return the ledger without `checkpoint`."""
    (folder / "images").mkdir(parents=True)
    done = []
    for batch in batches:
        rows = plan[plan["batch"] == batch]
        images = sample_batch(rows, family, reference, device)
        done.append(write_pool_images(folder, rows, images))
    return pd.concat(done, ignore_index=True)


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else value
