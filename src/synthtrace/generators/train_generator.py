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

# images a class that a training draws at its end, to see whether it has collapsed, and the steps that it takes for them
PREVIEW = 8
PREVIEW_STEPS = 10
# how many of them people see
SHOWN = 8


def train_generator(job: Job, manifest: pd.DataFrame, folder: Path) -> None:
    """Train the generator of a job, whose images are rows of `manifest`, and write its checkpoint.

    Raises:
        InputError: the training has exploded or the model collapsed; nothing is written.
    """
    model, fitted = family(job.kind).train(job)
    images, labels = preview(model, job)
    health.check_drawn(images, labels, job.whole.numpy(), job.source.labels, " ".join(map(str, job.names)))
    job.tracker.grid("samples", ((images[:SHOWN] + 1) * 127.5).round().astype(np.uint8))
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


def preview(model: Family, job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Images drawn as a pool's, the classes in turn, float (PREVIEW * classes, C, S, S) in [-1, 1], and their labels."""
    size, names, count = job.params.preprocess.image_size, (*job.names, "preview"), PREVIEW * job.classes
    maps = job.source.maps if job.source.maps is not None else np.empty((0, size, size), dtype=np.uint8)
    reference = Reference(job.source.image_ids, job.source.labels, maps, size // 2, 0.0)
    choices = [model.choose(index, index % job.classes, reference, job.seeds, names) for index in range(count)]
    condition = torch.stack([model.realise(choice, reference) for choice in choices])
    noise = torch.randn((count, *model.noise_shape), generator=compute.generator(job.seeds.integer(*names, "noise")))
    drawn = model.draw(noise.to(job.device), condition.to(job.device), Drawing("dpmsolver++", PREVIEW_STEPS, 1.0))
    return drawn.cpu().numpy(), np.array([choice.label for choice in choices])
