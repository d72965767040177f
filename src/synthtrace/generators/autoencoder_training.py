"""What Lightning is told of the training of an autoencoder; loading one for its latents alone does without Lightning."""

from collections.abc import Callable
from typing import Any

import lightning
import torch
from diffusers import AutoencoderKL
from torch.nn.functional import cross_entropy, l1_loss

from synthtrace import compute
from synthtrace.generators.batches import ImageBatch
from synthtrace.generators.encoder_classifier import EncoderClassifier
from synthtrace.generators.patch_discriminator import hinge
from synthtrace.params import Autoencoder
from synthtrace.perceptual import Lpips
from synthtrace.seeds import Seeds

# a term of the loss of a reconstruction: its weight, and its value for reconstruction, images and labels
Term = tuple[float, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]]


def perceptual(network: Lpips, weight: float) -> Term:
    """The mean LPIPS distance of a reconstruction to its image (Zhang et al. 2018)."""
    return weight, lambda reconstruction, images, labels: network(reconstruction, images).mean()


def classified(classifier: EncoderClassifier, weight: float) -> Term:
    """The cross-entropy of a classifier of the reconstruction (paper 3, Eq. 5)."""
    return weight, lambda reconstruction, images, labels: cross_entropy(classifier(reconstruction), labels)


class AutoencoderTraining(lightning.LightningModule):
    """L1 reconstruction, a small Kullback-Leibler term and further `terms`; with `decoder_only` the encoder stays as it is.

    `steps` and `learning_rate` are those of `params`.
    """

    def __init__(
        self,
        autoencoder: AutoencoderKL,
        params: Autoencoder,
        seeds: Seeds,
        names: tuple[str | int, ...],
        *,
        decoder_only: bool,
        terms: list[Term],
    ) -> None:
        super().__init__()
        self.autoencoder = autoencoder.train()
        self._params, self._seeds, self._names, self._terms = params, seeds, names, terms
        if decoder_only:
            autoencoder.encoder.requires_grad_(False)
            autoencoder.quant_conv.requires_grad_(False)

    def training_step(self, batch: ImageBatch, batch_idx: int) -> torch.Tensor:
        """Loss of one batch."""
        return self.reconstruct(batch)[0]

    def reconstruct(self, batch: ImageBatch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The loss of a batch, its reconstruction and its images, (B, C, S, S) each."""
        images = batch.images
        if self.autoencoder.config["in_channels"] == 3:
            images = images.expand(-1, 3, -1, -1)
        posterior = self.autoencoder.encode(images).latent_dist
        noise = compute.generator(self._seeds.integer(*self._names, "posterior", batch.step))
        latents = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=noise).to(images.device)
        reconstruction = self.autoencoder.decode(latents).sample
        divergence = posterior.kl().mean() / posterior.mean[0].numel()
        loss = l1_loss(reconstruction, images) + self._params.kl_weight * divergence
        for weight, value in self._terms:
            loss = loss + weight * value(reconstruction, images, batch.labels)
        return loss, reconstruction, images

    def configure_optimizers(self) -> Any:
        """Adam with a cosine decay to zero."""
        trained = [parameter for parameter in self.autoencoder.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=self._params.learning_rate, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self._params.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class AdversarialTraining(AutoencoderTraining):
    """As AutoencoderTraining, and from step `adversarial_start` on against a discriminator of patches (paper 3, Eq. 4).

    Before that step the discriminator neither learns nor judges. The loss of a step is reported without the discriminator's
    judgement, which says nothing of the reconstruction by itself.
    """

    def __init__(self, *args: Any, discriminator: torch.nn.Module, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.automatic_optimization = False
        self.discriminator = discriminator.train()

    def training_step(self, batch: ImageBatch, batch_idx: int) -> torch.Tensor:
        """One step of the autoencoder, then one of the discriminator; the autoencoder's loss without its judgement."""
        reconstruction_loss, reconstruction, images = self.reconstruct(batch)
        loss, judged = reconstruction_loss, batch.step >= self._params.adversarial_start
        if judged:
            self.discriminator.requires_grad_(False)
            loss = loss - self._params.adversarial_weight * self.discriminator(reconstruction).mean()
            self.discriminator.requires_grad_(True)
        self._step(0, loss)
        if judged:
            self._step(1, hinge(self.discriminator(images), self.discriminator(reconstruction.detach())))
        return reconstruction_loss.detach()

    def _step(self, number: int, loss: torch.Tensor) -> None:
        optimizer = self.optimizers()[number]  # type: ignore[index]
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        self.lr_schedulers()[number].step()  # type: ignore[index]

    def configure_optimizers(self) -> Any:
        """Adam for the autoencoder, and for the discriminator as in Isola et al. 2017; each decays over its own steps."""
        usual = super().configure_optimizers()
        optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=self._params.learning_rate, betas=(0.5, 0.999))
        steps = max(1, self._params.steps - self._params.adversarial_start)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        return [usual["optimizer"], optimizer], [usual["lr_scheduler"]["scheduler"], schedule]
