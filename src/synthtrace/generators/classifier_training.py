"""What Lightning is told of the training of a classifier: of images, or of noisy latents."""

from dataclasses import dataclass
from typing import Any

import lightning
import torch
from torch.nn.functional import cross_entropy

from synthtrace import compute
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import Batch, ImageBatch, LatentBatch, TrainingBatches
from synthtrace.generators.diffusion import TIMESTEPS, Noising
from synthtrace.generators.encoder_classifier import EncoderClassifier
from synthtrace.generators.training import Recorder, fit
from synthtrace.seeds import Seeds
from synthtrace.tracking import Tracker


class ClassifierTraining(lightning.LightningModule):
    """Cross-entropy of the labels; AdamW, the learning rate falling to zero along a cosine. A subclass makes the logits."""

    def __init__(self, model: EncoderClassifier, steps: int, learning_rate: float) -> None:
        super().__init__()
        self.model = model.train()
        self._steps, self._rate = steps, learning_rate

    def logits(self, batch: Any) -> torch.Tensor:
        """Logits (B, classes) of a batch."""
        raise NotImplementedError

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Loss of one batch."""
        return cross_entropy(self.logits(batch), batch.labels)

    def configure_optimizers(self) -> Any:
        """AdamW with a cosine decay to zero."""
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=self._rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self._steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class ImageClassification(ClassifierTraining):
    """Of images; grey ones are replicated for a classifier of three channels."""

    def logits(self, batch: ImageBatch) -> torch.Tensor:
        """See ClassifierTraining."""
        return self.model(batch.images.expand(-1, self.model.config["inputs"], -1, -1))


class LatentClassification(ClassifierTraining):
    """Of latents that are noisy as at a random timestep (paper 3, Eq. 6).

    Latents, noise and timesteps of step t depend on the seed, the names and t alone, and are drawn on the CPU.
    """

    def __init__(
        self,
        model: EncoderClassifier,
        steps: int,
        learning_rate: float,
        space: LatentSpace,
        noising: Noising,
        seeds: Seeds,
        names: tuple[str | int, ...],
    ) -> None:
        super().__init__(model, steps, learning_rate)
        # kept out of the module's own parameters: it is frozen and has a checkpoint of its own
        self._space = [space]
        self._schedule, self._seeds, self._names = noising.training(), seeds, names

    def logits(self, batch: ImageBatch | LatentBatch) -> torch.Tensor:
        """See ClassifierTraining."""
        stream = compute.generator(self._seeds.integer(*self._names, "noise", batch.step))
        latents = self._space[0].latents(batch, stream)
        noise = torch.randn(latents.shape, generator=stream).to(latents.device)
        timesteps = torch.randint(0, TIMESTEPS, (len(latents),), generator=stream).to(latents.device)
        return self.model(self._schedule.add_noise(latents, noise, timesteps), timesteps)

    def on_train_start(self) -> None:
        """The autoencoder follows the model to its device."""
        self._space[0].autoencoder.to(self.device)


@dataclass
class FittedClassifier:
    """A trained classifier, frozen, what was recorded on the way, and the learning rate of every step."""

    model: EncoderClassifier
    recorder: Recorder
    rates: list[float]

    def show(self, tracker: Tracker) -> None:
        """Log its training, after that of another model: on a step axis of its own."""
        tracker.curve("classifier", self.recorder.losses, self.rates)


class _Rates(Tracker):
    def __init__(self) -> None:
        self.values: list[float] = []

    def log(self, values: dict[str, float], step: int) -> None:
        self.values.append(values["learning_rate"])


def fit_classifier(
    module: ClassifierTraining, batches: TrainingBatches, device: torch.device, precision: str, where: str
) -> FittedClassifier:
    """Train a classifier; see `training.fit`."""
    rates = _Rates()
    recorder = fit(module, batches, device, precision, rates, where)
    return FittedClassifier(module.model.eval().requires_grad_(False).to(device), recorder, rates.values)
