"""What Lightning is told of the training of the GAN: two optimisers, lazy regularisation, and augmentation that adapts.

Non-saturating logistic loss with the R1 penalty of Mescheder et al. 2018 at each LAZY-th step, with Adam and the penalty's
weight adjusted for it (Karras et al. 2020a, section 3.1). Path-length regularisation and style mixing are left out: the former
smooths the latent space, which nothing here walks through; the latter Karras et al. 2020b leave out for small sets as well.
"""

import copy
from typing import Any

import lightning
import torch
from diffusers.training_utils import EMAModel
from torch.nn.functional import softplus

from synthtrace import compute
from synthtrace.generators.batches import ImageBatch
from synthtrace.generators.gan.augment import AdaptiveProbability, augmented
from synthtrace.generators.gan.discriminator import Discriminator
from synthtrace.generators.gan.generator import StyleGenerator
from synthtrace.generators.gan.watch import Watch
from synthtrace.generators.protocol import Job
from synthtrace.params.generators import Gan as Settings

# steps from one R1 penalty to the next
LAZY = 16


class GanTraining(lightning.LightningModule):
    """Discriminator and generator in turn on batches of real images; averaged weights of the generator are kept.

    Noise and augmentations of step t depend on the seed, the job's names and t alone, and are drawn on the CPU. The generator
    learns from the images that the discriminator has just learnt from, augmented anew: they are drawn once.
    """

    def __init__(self, generator: StyleGenerator, discriminator: Discriminator, settings: Settings, job: Job) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.discriminator = generator.train(), discriminator.train()
        self.augmentation = AdaptiveProbability(settings.ada_target, settings.ada_images)
        self._settings, self._job = settings, job
        self._watch = Watch(" ".join(map(str, job.names)))
        self._average = EMAModel(self.generator.parameters(), decay=settings.ema_decay, foreach=True)

    def training_step(self, batch: ImageBatch, batch_idx: int) -> torch.Tensor:
        """One step of each network; the sum of their losses."""
        stream = compute.generator(self._job.seeds.integer(*self._job.names, "noise", batch.step))
        noise = torch.randn((len(batch.images), self.generator.noise_size), generator=stream).to(self.device)
        drawn = self.generator(noise, batch.labels)
        judging = self._discriminator_step(batch, drawn.detach(), stream)
        drawing = self._generator_step(batch.labels, drawn, stream)
        self._watch.see(drawing.item(), drawn, batch.images)
        values = {
            "generator_loss": drawing.item(),
            "discriminator_loss": judging.item(),
            "augmentation_probability": self.augmentation.value,
            "real_sign": self.augmentation.sign,
        }
        self._job.tracker.log(values, step=batch_idx)
        return drawing + judging

    def _discriminator_step(self, batch: ImageBatch, drawn: torch.Tensor, stream: torch.Generator) -> torch.Tensor:
        probability, labels = self.augmentation.value, batch.labels
        real = augmented(batch.images, probability, stream)
        on_real = self.discriminator(real, labels)
        on_drawn = self.discriminator(augmented(drawn, probability, stream), labels)
        loss = softplus(on_drawn).mean() + softplus(-on_real).mean()
        self._step(1, loss)
        if self._settings.r1_weight and batch.step % LAZY == 0:
            self._step(1, self._settings.r1_weight / 2 * LAZY * self._r1(real, labels))
        self.augmentation.see(on_real)
        return loss.detach()

    def _r1(self, real: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean squared gradient of the discriminator at what it sees of real images."""
        real = real.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.discriminator(real, labels).sum(), real, create_graph=True)
        return gradient.square().sum(dim=(1, 2, 3)).mean()

    def _generator_step(self, labels: torch.Tensor, drawn: torch.Tensor, stream: torch.Generator) -> torch.Tensor:
        self.discriminator.requires_grad_(False)
        loss = softplus(-self.discriminator(augmented(drawn, self.augmentation.value, stream), labels)).mean()
        self._step(0, loss)
        self.discriminator.requires_grad_(True)
        self._average.step(self.generator.parameters())
        return loss.detach()

    def _step(self, number: int, loss: torch.Tensor) -> None:
        optimizer = self.optimizers()[number]  # type: ignore[index]
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def on_train_start(self) -> None:
        """The averaged weights follow the generator to its device."""
        self._average.to(self.device)

    def averaged(self) -> StyleGenerator:
        """A copy of the generator with the averaged weights."""
        result = copy.deepcopy(self.generator)
        self._average.copy_to(result.parameters())
        return result.eval()

    def configure_optimizers(self) -> Any:
        """Adam (0, 0.99) for the generator, then for the discriminator, which takes 1 / LAZY more steps."""
        rate, share = self._settings.learning_rate, LAZY / (LAZY + 1)
        return [
            torch.optim.Adam(self.generator.parameters(), lr=rate, betas=(0.0, 0.99), eps=1e-8),
            torch.optim.Adam(self.discriminator.parameters(), lr=rate * share, betas=(0.0, 0.99**share), eps=1e-8),
        ]
