"""What Lightning is told of the training of an autoencoder; loading one for its latents alone does without Lightning."""

from typing import Any

import lightning
import torch
from diffusers import AutoencoderKL

from synthtrace import compute
from synthtrace.generators.batches import ImageBatch
from synthtrace.params import Autoencoder
from synthtrace.seeds import Seeds


class AutoencoderTraining(lightning.LightningModule):
    """L1 reconstruction and a small Kullback-Leibler term; with `decoder_only` the encoder stays as it is."""

    def __init__(
        self, autoencoder: AutoencoderKL, params: Autoencoder, seeds: Seeds, names: tuple[str | int, ...], decoder_only: bool
    ) -> None:
        super().__init__()
        self.autoencoder = autoencoder.train()
        self._params, self._seeds, self._names = params, seeds, names
        if decoder_only:
            autoencoder.encoder.requires_grad_(False)
            autoencoder.quant_conv.requires_grad_(False)

    def training_step(self, batch: ImageBatch, batch_idx: int) -> torch.Tensor:
        """Loss of one batch."""
        images = batch.images
        if self.autoencoder.config["in_channels"] == 3:
            images = images.expand(-1, 3, -1, -1)
        posterior = self.autoencoder.encode(images).latent_dist
        noise = compute.generator(self._seeds.integer(*self._names, "posterior", batch.step))
        latents = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=noise).to(images.device)
        reconstruction = self.autoencoder.decode(latents).sample
        divergence = posterior.kl().mean() / posterior.mean[0].numel()
        return torch.nn.functional.l1_loss(reconstruction, images) + self._params.kl_weight * divergence

    def configure_optimizers(self) -> Any:
        """Adam with a cosine decay to zero."""
        trained = [parameter for parameter in self.autoencoder.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=self._params.learning_rate, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self._params.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
