"""The study of `reader_study` with masks: a manifest and ledgers of pairs."""

from pathlib import Path

import numpy as np
import pandas as pd
from reader_study import LABELS, SIDE, make_study, parameters

from synthtrace.images import pixel_hash, write_image
from synthtrace.tables import read_ledger, read_manifest, write_manifest
from synthtrace.turing.plan import Plan

PLAN = Plan(
    seed=1, labels=LABELS, real=[2, 2], synthetic=[1, 2], kinds=["class", "semantic"], folds=[0, 1], channels=1, pairs=True
)


def _with_masks(folder: Path, table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A mask of noise for each image of a folder, the same for the same seed."""
    rng = np.random.default_rng(seed)
    (folder / "masks").mkdir()
    masks = [np.where(rng.random((SIDE, SIDE)) < 0.5, 255, 0).astype(np.uint8) for _ in range(len(table))]
    for name, mask in zip(table["image_id"], masks, strict=True):
        write_image(folder / f"masks/{name}.png", mask)
    return table.assign(mask_path="masks/" + table["image_id"] + ".png", mask_hash=[pixel_hash(mask) for mask in masks])


def make_pair_study(root: Path) -> None:
    """Crops and pools of pairs; a fold's pools of both kinds share their masks, as a pool and its styled one do."""
    make_study(root, parameters([0, 0], [0, 0]))
    write_manifest(root / "data/crops", _with_masks(root / "data/crops", read_manifest(root / "data/crops"), seed=9))
    for kind in PLAN.kinds:
        for fold in PLAN.folds:
            pool = root / f"data/pools/{kind}/fold{fold}"
            _with_masks(pool, read_ledger(pool), seed=fold).to_parquet(pool / "ledger.parquet", index=False)
