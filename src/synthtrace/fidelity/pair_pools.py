"""Fidelity of every pool of the segmentation study: metrics/fidelity.json, a pure function of images and extractors.

Every pool is measured as it was made (`raw`) and as its selection keeps it (`kept`), against all training images. As many
images are drawn from each pool as the smallest raw one has of those whose generator saw all pairs, and no more than there are
training images, so that distances are of like numbers; all where there are fewer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synthtrace.features import cache
from synthtrace.fidelity import antialiased, inception, similarity
from synthtrace.fidelity.pairs import Seen, halves_row, pool_row
from synthtrace.fidelity.sight import Sight
from synthtrace.images import load_stack
from synthtrace.pair_tables import read_pair_ledger
from synthtrace.params.segmentation import Model, SegmentationParams
from synthtrace.seeds import Seeds
from synthtrace.stage import progress
from synthtrace.tables import read_folds, read_manifest, read_selection, with_role

FOLD = 0


@dataclass(frozen=True)
class _Pool:
    """A pool: what is seen of it, which of it is kept (bool), and of an inpainted one the source of each image."""

    name: str
    seen: Seen
    kept: np.ndarray
    sources: np.ndarray | None

    def rows(self, training: Seen, images: int, params: SegmentationParams) -> Iterator[dict[str, Any]]:
        """The row of all pairs, and that of the kept ones; without figures where there are fewer than two."""
        for part, chosen in (("raw", np.arange(len(self.seen))), ("kept", np.flatnonzero(self.kept))):
            head = {"kind": self.name, "part": part}
            count = min(images, len(chosen))
            if count < 2:
                yield head | {"images": count, "reference": len(training), "available": len(chosen), "untouched": None}
                continue
            sources = None if self.sources is None else self.sources[chosen]
            names = (self.name, FOLD, part)
            settings = params.fidelity
            yield head | pool_row(
                self.seen.take(chosen), training, count, settings.draws, settings.pairs, Seeds(params.seed), names, sources
            )


def from_workspace(root: Path, params: SegmentationParams, device: torch.device) -> dict[str, Any]:
    """What metrics/fidelity.json should hold, of the crops, folds, extractor, pools and selections in `root`/data.

    Returns {"extractor", "inception", "ms_ssim", "draws", "pools": a row a pool and part, the first that of `real`: training
    images, half against half}. A metric is `fd_` and the extractor's backbone, `fid` with Inception, or `ms_ssim`.

    Raises:
        InputError: a table, an image, the extractor or Inception's weights cannot be read, or there are fewer than four
            training pairs.
    """
    settings, channels = params.fidelity, params.preprocess.channels
    network = None if settings.inception is None else inception.load(settings.inception, device)
    sight = Sight.of_fold(root / f"data/features/fold{FOLD}", network, root / cache.CACHE, device)
    manifest = with_role(read_manifest(root / "data/crops"), read_folds(root / "data/folds/folds.csv"), FOLD, "train")
    pixels = load_stack([root / "data/crops" / path for path in manifest["path"]], channels)
    training = _seen(pixels, manifest["patient_id"].fillna(manifest["image_id"]).to_numpy(str), sight)
    sources = _Sources(pixels, training.names, {image_id: place for place, image_id in enumerate(manifest["image_id"])})
    pools = [
        _read(root, name, params, sources, sight) for name in progress(params.generators.pools, "looking at pools", unit="pool")
    ]
    images = min([len(training), *(len(pool.seen) for pool in pools if pool.name in params.kinds)])
    real = halves_row(training, settings.draws, settings.pairs, Seeds(params.seed), ("real", FOLD))
    return {
        "extractor": {"name": sight.backbone, "digest": sight.extractor.digest},
        "inception": None if network is None else {"sha256": network.sha256, "resize": antialiased.RESIZE},
        "ms_ssim": similarity.settings(params.preprocess.image_size, settings.pairs),
        "draws": settings.draws,
        "pools": [{"kind": "real", "part": "halves", **real}]
        + [row for pool in pools for row in pool.rows(training, images, params)],
    }


@dataclass(frozen=True)
class _Sources:
    """Pixels of the training images, the patient or group of each, and where an image of an id stands among them."""

    pixels: np.ndarray
    names: np.ndarray
    place: dict[str, int]


def _read(root: Path, name: str, params: SegmentationParams, sources: _Sources, sight: Sight) -> _Pool:
    folder = root / f"data/pools/{name}/fold{FOLD}"
    ledger = read_pair_ledger(folder)
    selection = read_selection(root / f"data/selected/{name}/fold{FOLD}")
    kept = ledger["image_id"].isin(selection.loc[selection["kept"].astype(bool), "image_id"]).to_numpy()
    paths = [folder / path for path in ledger["path"]]
    images = load_stack(paths, params.preprocess.channels) if paths else sources.pixels[:0]
    painted = Model.of(params.generators.styled.get(name, name)).family != "gan"
    made_from = [sources.place[source] for source in ledger["condition_image_id"]]
    # as of real images, no two of one patient are compared
    seen = _seen(images, sources.names[made_from], sight)
    return _Pool(name, seen, kept, sources.pixels[made_from] if painted else None)


def _seen(pixels: np.ndarray, names: np.ndarray, sight: Sight) -> Seen:
    features = {f"fd_{sight.suffix}": cache.embeddings(sight.extractor, pixels, cache=sight.cache or cache.CACHE)}
    if sight.inception is not None:
        features["fid"] = antialiased.look(sight.inception, pixels, sight.cache)
    return Seen(pixels, names, features)
