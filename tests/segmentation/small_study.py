"""The half of a segmentation study that generates, at 16 pixels and a few steps, in a folder of its own."""

import copy
import functools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from synthtrace.cards import read_card
from synthtrace.features import cache, extractor
from synthtrace.generators.pair_generators import PairJob, clusters_of, train
from synthtrace.generators.pairs.repaint import dilated, dilation
from synthtrace.images import pixel_hash, write_image
from synthtrace.pair_tables import Pairs, load_pairs, read_pair_ledger, training_pairs, write_pair_ledger
from synthtrace.params.segmentation import Model, SegmentationParams
from synthtrace.pools.pairs import draw_pool, drawer, plan_pool
from synthtrace.pools.styled import plan_styled, styler
from synthtrace.preprocess.pairs import squashed_mask
from synthtrace.preprocess.random_crop import resized
from synthtrace.scans.lesions import simulate_pair
from synthtrace.seeds import Seeds
from synthtrace.segment.pairs import small_set
from synthtrace.selection.pair_rules import kept
from synthtrace.selection.pairs import Painted, score_pairs
from synthtrace.tables import write_candidates, write_folds, write_manifest, write_selection

SIDE, CPU, LABELS = 16, torch.device("cpu"), ["C1", "C2"]
PARAMS = Path(__file__).parents[2] / "studies" / "segmentation" / "params.yaml"
KINDS = ["diff", "full_diff", "gan", "full_diff_n4"]
SMALL: dict[str, dict[str, Any]] = {
    "dataset": {"labels": LABELS},
    "masks": {"least_area": 0.002, "most_area": 0.9},
    "preprocess": {"image_size": SIDE},
    "generators": {"kinds": KINDS, "styled": {"styled_diff": "diff"}},
    "diffusion": {"steps": 6, "channels": [8, 16], "attention": [], "head_dim": 8, "batch_size": 4},
    "inpainting": {"samples": 2, "respacing": 4, "jump_length": 2, "resamples": 2, "batch_size": 3},
    "style": {"steps": 4, "skip_timesteps": 2, "batch_size": 4},
    "singan": {"min_side": 8, "channels": 4, "layers": 3, "steps": 4},
    "sampling": {"gan_samples": 2, "styled_pairs": 3},
    "features": {"steps": 3, "batch_size": 4},
    "mixes": {"small_sets": [4], "small_kinds": ["full_diff"]},
}


def parameters(**changes: dict[str, Any]) -> SegmentationParams:
    blocks = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    for laid in (SMALL, changes):
        for block, values in laid.items():
            blocks[block] |= values
    return SegmentationParams.model_validate(blocks)


class Curves:
    """A tracker that keeps what it is told."""

    def __init__(self) -> None:
        self.curves: dict[str, list[float]] = {}

    def log(self, values: dict[str, float], step: int) -> None:
        self.curves.setdefault(".", []).append(values["loss"])

    def curve(self, name: str, losses: list[float], learning_rates: list[float]) -> None:
        self.curves[name] = losses


class SmallStudy:
    """Folders below `root` as stages write them: of two centres 6 training pairs, the last without lesion, and a test pair."""

    def __init__(self, root: Path) -> None:
        self.root, self.params = root, parameters()
        for part in ("images", "masks"):
            (self.crops / part).mkdir(parents=True)
        rows = [self._pair(centre, number) for centre in range(2) for number in range(7)]
        manifest = pd.DataFrame(rows)
        write_manifest(self.crops, manifest)
        (root / "data/folds").mkdir()
        roles = np.where(manifest["frame"] == 6, "test", "train")
        write_folds(root / "data/folds/folds.csv", manifest[["image_id", "patient_id"]].assign(fold=0, role=roles))
        # of sizes 5, 4 and 3
        self.clusters = {image_id: 0 if n < 5 else 1 if n < 9 else 2 for n, image_id in enumerate(self.training.image_ids)}
        extractor.train(
            root / "data/features/fold0",
            self.training.images,
            self.training.rows,
            fold=0,
            classes=2,
            features=self.params.features,
            seeds=Seeds(self.params.seed),
            device=CPU,
        )

    def _pair(self, centre: int, number: int) -> dict[str, Any]:
        image, mask = simulate_pair(Seeds(3), centre, number, number == 5)
        image, mask, name = resized(image, SIDE), squashed_mask(mask, SIDE), f"C{centre + 1}_{number}"
        row = {"image_id": name, "path": f"images/{name}.png", "mask_path": f"masks/{name}.png"}
        write_image(self.crops / row["path"], image)
        write_image(self.crops / row["mask_path"], mask)
        return row | {
            "pixel_hash": pixel_hash(image),
            "mask_hash": pixel_hash(mask),
            "mask_area": np.count_nonzero(mask) / mask.size,
            "patient_id": f"P{centre}{number}",
            "label": centre,
            "label_name": LABELS[centre],
            "frame": number,
            "source": "phantom",
        }

    @property
    def crops(self) -> Path:
        return self.root / "data/crops"

    def copied(self, root: Path) -> "SmallStudy":
        """The same study in another folder, where it may be changed."""
        shutil.copytree(self.root, root)
        other = copy.copy(self)
        other.root = root
        return other

    @functools.cached_property
    def training(self) -> Pairs:
        return training_pairs(self.root, 0, 3)

    def job(self, kind: str, params: SegmentationParams | None = None) -> PairJob:
        pairs, size = self.training, Model.of(kind).size
        if size is not None:
            pairs = pairs.of(sorted(small_set(pairs.image_ids, size, Seeds(self.params.seed))))
        table = pd.DataFrame(self.clusters.items(), columns=["image_id", "cluster"])
        clusters = clusters_of(table, pairs.image_ids)
        return PairJob(kind, 0, pairs, clusters, params or self.params, Curves(), CPU)  # type: ignore[arg-type]

    def generate(self, kind: str) -> None:
        """Train the kind, draw its pool, score and select."""
        folder, pool = (self.root / f"data/{stand}/{kind}/fold0" for stand in ("generators", "pools"))
        train(self.job(kind), folder)
        maker = drawer(self.root, kind, 0, self.params, CPU)
        plan = plan_pool(kind, 0, maker.trained, self.training, self.params)
        self._drawn(pool, plan, maker)
        self.score(kind)

    def style(self, name: str, of: str) -> None:
        maker = styler(self.root, of, 0, self.params, CPU)
        plan = plan_styled(
            name, 0, maker.base.rows, self.params.style, self.params.sampling.styled_pairs, Seeds(self.params.seed)
        )
        self._drawn(self.root / f"data/pools/{name}/fold0", plan, maker)
        self.score(name)

    def _drawn(self, pool: Path, plan: pd.DataFrame, maker: Any) -> None:
        ledger = draw_pool(pool, plan, maker, sorted(plan["batch"].unique()))
        write_pair_ledger(pool, ledger.assign(checkpoint=maker.trained.digest))

    def score(self, kind: str) -> dict[str, Any]:
        scored, selected = (self.root / f"data/{stand}/{kind}/fold0" for stand in ("scored", "selected"))
        candidates, painted = self.pool(kind), None
        if kind != "gan":
            fills = dilated(self.training.masks, dilation(SIDE, self.params.inpainting.dilation))
            painted = Painted(fills, candidates.rows["condition_image_id"])
        own = extractor.load(self.root / "data/features/fold0", CPU)
        embed = functools.partial(cache.embeddings, own, mirrored=True, cache=self.root / "cache")
        table, report = score_pairs(candidates, self.training, embed, self.params.selection, painted)
        for folder in (scored, selected):
            folder.mkdir(parents=True, exist_ok=True)
        write_candidates(scored, table)
        write_selection(selected, table.assign(kept=kept(table, self.params.masks)))
        return report

    def pool(self, kind: str) -> Pairs:
        folder = self.root / f"data/pools/{kind}/fold0"
        return load_pairs(folder, read_pair_ledger(folder), 3)

    def card(self, kind: str) -> dict[str, Any]:
        return read_card(self.root / f"data/generators/{kind}/fold0")
