"""Styled pools: inpainted pairs with the look of the real images that they were painted from (paper 2, Section 3.3)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from synthtrace import compute
from synthtrace.features import extractor
from synthtrace.generators.pair_generators import Trained
from synthtrace.generators.pairs.stacks import joined, parted
from synthtrace.generators.style.guided import style
from synthtrace.generators.style.networks import Networks, load_networks
from synthtrace.pair_tables import Pairs, load_pairs, read_pair_ledger, training_pairs
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.params.style import Style
from synthtrace.pools.pairs import STYLED, as_ledger, batches, cluster_of
from synthtrace.seeds import Seeds


@dataclass(frozen=True)
class Styler:
    """Styles pairs of an inpainted pool `base`, each by the model of its cluster, towards its image among `training`.

    A pair's last bits may depend on its batch, its noise does not.
    """

    trained: Trained
    training: Pairs
    base: Pairs
    networks: Networks
    settings: Style

    def draw(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """See `pools.pairs.Maker`; a batch is of one cluster. Masks are those of the base pool."""
        base, real = self.base.of(rows["base_image_id"]), self.training.of(rows["condition_image_id"])
        targets = torch.from_numpy(real.images).float() / 127.5 - 1
        streams = [compute.generator(int(seed)) for seed in rows["seed"]]
        model = self.trained.denoiser(cluster_of(rows))
        return parted(style(model, joined(base.images, base.masks), targets, self.networks, self.settings, streams))


def styler(study: Path, of: str, fold: int, params: SegmentationParams, device: torch.device) -> Styler:
    """What styles the pool of the kind `of`, by the kind's own generator, read from the study in this folder.

    Raises:
        InputError: the pool's files are not those of its ledger, or the networks of `style` cannot be had.
    """
    pool, channels = study / f"data/pools/{of}/fold{fold}", params.preprocess.channels
    base = load_pairs(pool, read_pair_ledger(pool), channels)
    own = extractor.load(study / f"data/features/fold{fold}", device).model
    networks = load_networks(params.style, own, "extractor", device)
    trained = Trained(study / f"data/generators/{of}/fold{fold}", device)
    return Styler(trained, training_pairs(study, fold, channels), base, networks, params.style)


def plan_styled(name: str, fold: int, base: pd.DataFrame, settings: Style, sources: int, seeds: Seeds) -> pd.DataFrame:
    """Ledger rows of the styled pool `name`, of the ledger `base`, before its images exist; `base_image_id` rides along.

    All pairs of `sources` real images, or of all where there are fewer: the first ones of a shuffle, the same for every pool
    that was painted from the same images.
    """
    every = np.array(sorted(set(base["condition_image_id"].astype(str))), dtype=object)
    chosen = every[seeds.stream("style", "sources", fold).permutation(len(every))[:sources]]
    rows = base[base["condition_image_id"].isin(chosen)].sort_values("index", ignore_index=True)
    clusters = rows["cluster"].fillna(0).astype(int)
    noise = [seeds.integer("style", name, fold, "noise", image_id) for image_id in rows["image_id"].astype(str)]
    planned = rows[["condition_image_id", "label", "cluster"]].assign(
        base_image_id=rows["image_id"],
        seed=noise,
        batch=batches(clusters, settings.batch_size),
        sampler=STYLED,
        steps=settings.steps - settings.skip_timesteps,
    )
    return as_ledger(name, fold, planned)
