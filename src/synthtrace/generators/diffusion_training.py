"""What Lightning is told of the training of a latent diffusion model (Rombach et al. 2021; paper 0, Eq. 1)."""

import copy
import math
from typing import Any

import lightning
import torch
from diffusers.training_utils import EMAModel

from synthtrace import compute
from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import ImageBatch, LatentBatch
from synthtrace.generators.denoiser import Denoiser
from synthtrace.generators.diffusion import TIMESTEPS, Noising
from synthtrace.params import Generator
from synthtrace.seeds import Seeds


class DiffusionTraining(lightning.LightningModule):
    """Denoising of latents of training crops, conditions dropped for classifier-free guidance, averaged weights kept.

    Noise, timesteps and drops of step t depend on the seed, the names and t alone, and are drawn on the CPU.
    """

    def __init__(
        self, model: Denoiser, space: LatentSpace, params: Generator, seeds: Seeds, names: tuple[str | int, ...]
    ) -> None:
        super().__init__()
        self.model = model.train()
        # kept out of the module's own parameters: it is frozen and has a checkpoint of its own
        self._space = [space]
        self._params, self._seeds, self._names = params, seeds, names
        self._schedule = Noising(params.noise_schedule, params.prediction_type).training()
        self._average = EMAModel(self.model.parameters(), decay=params.ema_decay, foreach=True)

    def training_step(self, batch: ImageBatch | LatentBatch, batch_idx: int) -> torch.Tensor:
        """Mean squared error of the prediction: of the noise (paper 0, Eq. 1), or of the velocity (Salimans and Ho 2022)."""
        noise_stream = compute.generator(self._seeds.integer(*self._names, "noise", batch.step))
        latents = self._space[0].latents(batch, noise_stream)
        noise = torch.randn(latents.shape, generator=noise_stream).to(latents.device)
        count = len(latents)
        timesteps = torch.randint(0, TIMESTEPS, (count,), generator=noise_stream).to(latents.device)
        dropped = (torch.rand(count, generator=noise_stream) < self._params.condition_dropout).to(latents.device)
        condition = self.model.condition(batch)
        dropped = dropped.reshape(-1, *[1] * (condition.ndim - 1))
        condition = torch.where(dropped, self.model.null(condition), condition)
        noisy = self._schedule.add_noise(latents, noise, timesteps)
        velocity = self._params.prediction_type == "v_prediction"
        target = self._schedule.get_velocity(latents, noise, timesteps) if velocity else noise
        return torch.nn.functional.mse_loss(self.model(noisy, timesteps, condition), target)

    def on_train_start(self) -> None:
        """The autoencoder and the averaged weights follow the model to its device."""
        self._space[0].autoencoder.to(self.device)
        self._average.to(self.device)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """An optimiser step, then one of the average."""
        super().optimizer_step(*args, **kwargs)
        self._average.step(self.model.parameters())

    def averaged(self) -> Denoiser:
        """A copy of the model with the averaged weights."""
        result = copy.deepcopy(self.model)
        self._average.copy_to(result.parameters())
        return result.eval()

    def configure_optimizers(self) -> Any:
        """AdamW; linear warm-up, then a cosine decay to zero."""
        params = self._params
        optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=params.learning_rate,
            weight_decay=params.weight_decay,
            fused=self.device.type == "cuda",
        )

        def rate(step: int) -> float:
            if step < params.warmup_steps:
                return (step + 1) / params.warmup_steps
            done = (step - params.warmup_steps) / max(1, params.steps - params.warmup_steps)
            return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
