"""One Lightning fit for every generator and autoencoder, and what it leaves behind."""

import logging
import sys
import warnings
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import TQDMProgressBar
from torch.utils.data import DataLoader, IterableDataset

from synthtrace import compute
from synthtrace.cards import Seen
from synthtrace.generators import health
from synthtrace.tracking import Tracker


class Recorder(lightning.Callback):
    """Notes which images the loop drew, and the losses and learning rate for the card and for Weights & Biases."""

    def __init__(self, tracker: Tracker, where: str) -> None:
        self.seen = Seen()
        self.losses: list[float] = []
        self._tracker, self._where = tracker, where

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """After a step: its images have been seen."""
        self.seen.add(batch.image_ids)
        self.losses.append(outputs["loss"].item())
        health.check_loss(self.losses, self._where)
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self._tracker.log({"loss": self.losses[-1], "learning_rate": rate}, step=batch_idx)

    def final_loss(self) -> float:
        """Mean loss of the last tenth of the steps."""
        last = self.losses[-max(1, len(self.losses) // 10) :]
        return sum(last) / len(last)


def fit(
    module: lightning.LightningModule,
    batches: IterableDataset,
    device: torch.device,
    precision: str,
    tracker: Tracker,
    where: str,
) -> Recorder:
    """Train for the batches' number of steps on one device and return what was recorded on the way.

    `where` names the training in errors. `precision` is `compute.precision`; with bfloat16 on a GPU, weights and their averages
    stay float32.

    Raises:
        InputError: the loss is no number or has exploded.
    """
    recorder = Recorder(tracker, where)
    callbacks: list[lightning.Callback] = [recorder]
    for name in ("lightning.pytorch.utilities.rank_zero", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)
    on_terminal = sys.stderr.isatty()
    if on_terminal:
        callbacks.append(TQDMProgressBar(leave=False))
    trainer = lightning.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        precision="bf16-mixed" if compute.precision(precision, device) == "bfloat16" else "32-true",
        max_epochs=1,
        logger=False,
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=on_terminal,
    )
    with warnings.catch_warnings():
        # batches are cut from memory: worker processes would only copy them
        warnings.filterwarnings("ignore", module="lightning")
        trainer.fit(module, DataLoader(batches, batch_size=None))
    return recorder
