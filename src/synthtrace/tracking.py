"""Weights & Biases: curves and pictures of a training, offline unless a key is there. Nothing of it enters a hashed output."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from synthtrace.digests import digest
from synthtrace.images import to_pixels
from synthtrace.stage import SCRATCH, Stage

PROJECT = "synthtrace"


class Tracker:
    """One W&B run: scalars by step and grids of images."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def log(self, values: dict[str, float], step: int) -> None:
        """Log scalars at a step."""
        self._run.log(values, step=step)

    def curve(self, name: str, losses: list[float], learning_rates: list[float]) -> None:
        """Log one of many short trainings whole, on a step axis of its own."""
        self._run.define_metric(f"{name}/*", step_metric=f"{name}/step")
        for step, (loss, rate) in enumerate(zip(losses, learning_rates, strict=True)):
            self._run.log({f"{name}/step": step, f"{name}/loss": loss, f"{name}/learning_rate": rate})

    def grid(self, name: str, images: np.ndarray) -> None:
        """Log uint8 images (N, C, H, W)."""
        import wandb

        self._run.log({name: [wandb.Image(to_pixels(image)) for image in images]})


@contextlib.contextmanager
def track(stage: Stage, job: str, inputs: list[Path], config: dict[str, Any]) -> Iterator[Tracker]:
    """A W&B run for one job of a stage.

    The run's config carries the job's name, the digests of its inputs (as dvc.lock has them) and its parameters; its id goes
    to the stage's record. `WANDB_MODE` and `WANDB_DIR` are respected; without a mode, runs are offline unless a key is there.
    """
    import wandb

    folder = SCRATCH / "wandb"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR"):
        os.environ.setdefault(name, str(folder.resolve()))
    mode = _mode()
    run = wandb.init(
        project=PROJECT,
        name=job,
        job_type=stage.name,
        mode=mode,  # type: ignore[arg-type]
        config={"stage": job, "inputs": {str(path): digest(path) for path in inputs}, **config},
        settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, disable_code=True),
    )
    try:
        yield Tracker(run)
    except BaseException:
        run.finish(exit_code=1)
        raise
    stage.facts["wandb"] = {"id": run.id, "mode": mode}
    run.finish()


def _mode() -> str:
    """WANDB_MODE if it is set; else online with an API key (environment or netrc), offline without."""
    import wandb

    return os.environ.get("WANDB_MODE") or ("online" if wandb.login(prompt=False) else "offline")
