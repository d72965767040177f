"""Training on latents of fixed crops, each encoded once: most of a step's time is the encoder's where a denoiser is small.

What it gives up is that no crop is ever drawn twice (paper 0, Appendix A.2): an image is seen in `crops` places and no other.
"""

import numpy as np
import torch

from synthtrace.generators.autoencoder import LatentSpace
from synthtrace.generators.batches import LatentBatch, TrainingBatches, TrainingImages, random_cut
from synthtrace.seeds import Seeds

# images that are encoded at once
CHUNK = 16


class CachedBatches(TrainingBatches):
    """Batches of the posteriors of `crops` fixed, seeded crops an image; maps are those of the same crops.

    Posteriors are kept on `device` as mean and deviation, so that a step still draws its latent's noise. The order of images
    is that of `CropBatches`; which of an image's crops a step takes depends on the seed, the names and the step alone.
    """

    def __init__(
        self,
        source: TrainingImages,
        space: LatentSpace,
        *,
        crops: int,
        size: int,
        crop_scale: float,
        batch_size: int,
        steps: int,
        seeds: Seeds,
        names: tuple[str | int, ...],
        balanced: bool,
        device: torch.device,
    ) -> None:
        super().__init__(source, batch_size=batch_size, steps=steps, seeds=seeds, names=names, balanced=balanced)
        self.crops, self.size, self.crop_scale, self._device = crops, size, crop_scale, device
        space.autoencoder.to(device)
        means, deviations, maps = [], [], []
        every = [(index, crop) for index in range(len(source.image_ids)) for crop in range(crops)]
        for start in range(0, len(every), CHUNK):
            cuts = [self.cut(index, crop) for index, crop in every[start : start + CHUNK]]
            mean, deviation = space.posterior(torch.stack([image for image, _ in cuts]).to(device))
            means.append(mean)
            deviations.append(deviation)
            maps += [classes for _, classes in cuts if classes is not None]
        self._mean, self._deviation = torch.cat(means), torch.cat(deviations)
        self._maps = torch.stack(maps).to(device) if maps else None

    def cut(self, index: int, crop: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Crop number `crop` of the image number `index` of the source, and of its map; see `random_cut`."""
        rng = self.seeds.stream(*self.names, "cached_crop", self.source.image_ids[index], crop)
        return random_cut(self.source, index, self.size, self.crop_scale, rng)

    def drawn(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (B,) of the images of batch `step`, and of the crop that it takes of each."""
        chosen = self.chosen(step)
        return chosen, self.seeds.stream(*self.names, "crops", step).integers(self.crops, size=len(chosen))

    def batch(self, step: int) -> LatentBatch:
        """Batch number `step`."""
        source = self.source
        chosen, crop = self.drawn(step)
        rows = torch.from_numpy(chosen * self.crops + crop).to(self._device)
        return LatentBatch(
            maps=self._maps[rows].long() if self._maps is not None else None,
            labels=torch.from_numpy(source.labels[chosen]).long(),
            image_ids=[source.image_ids[index] for index in chosen],
            step=step,
            mean=self._mean[rows],
            deviation=self._deviation[rows],
        )
