"""Train one generator of one fold and write its checkpoint folder."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from synthtrace import compute
from synthtrace.cards import write_card
from synthtrace.generators import health
from synthtrace.generators.protocol import Family, Job, Reference
from synthtrace.generators.registry import family
from synthtrace.params import Drawing

# images that a training draws at its end, for people and to see whether it has collapsed, and the steps that it takes for them
PREVIEW = 16
PREVIEW_STEPS = 10


def train_generator(job: Job, manifest: pd.DataFrame, folder: Path) -> None:
    """Train the generator of a job, whose images are rows of `manifest`, and write its checkpoint.

    Raises:
        InputError: the training exploded or the model has collapsed; nothing is written.
    """
    model, fitted = family(job.kind).train(job)
    images = preview(model, job)
    health.check_drawn(images, job.whole.numpy(), " ".join(map(str, job.names)))
    job.tracker.grid("samples", ((images[:8] + 1) * 127.5).round().astype(np.uint8))
    model.save(folder)
    seen = manifest[manifest["image_id"].isin(fitted.image_ids)]
    write_card(
        folder,
        kind=job.kind,
        fold=job.fold,
        patient_ids=sorted(set(seen["patient_id"].astype(str))),
        image_ids=sorted(fitted.image_ids),
        params=job.params.generator.model_dump(exclude={"kinds"}),
        family=job.params.family(job.kind).model_dump(),
        seed=job.params.seed,
        steps=fitted.steps,
        losses=fitted.losses,
        **fitted.card,
    )


def preview(model: Family, job: Job) -> np.ndarray:
    """Draw a few images as a pool would, float (PREVIEW, C, S, S) in [-1, 1], the classes in turn."""
    size, names = job.params.preprocess.image_size, (*job.names, "preview")
    maps = job.source.maps if job.source.maps is not None else np.empty((0, size, size), dtype=np.uint8)
    reference = Reference(job.source.image_ids, job.source.labels, maps, size // 2, 0.0)
    choices = [model.choose(index, index % job.classes, reference, job.seeds, names) for index in range(PREVIEW)]
    condition = torch.stack([model.realise(choice, reference) for choice in choices])
    noise = torch.randn((PREVIEW, *model.noise_shape), generator=compute.generator(job.seeds.integer(*names, "noise")))
    drawn = model.draw(noise.to(job.device), condition.to(job.device), Drawing("dpmsolver++", PREVIEW_STEPS, 1.0))
    return drawn.cpu().numpy()
