"""Drawing pairs of a pool again from their ledger rows."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from synthtrace.errors import InputError
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.pools.pairs import Inpainter, PyramidDrawer, drawer
from synthtrace.pools.styled import Styler, styler

Maker = Inpainter | PyramidDrawer | Styler


def maker(study: Path, pool: str, fold: int, params: SegmentationParams, device: torch.device) -> Maker:
    """What drew a pool, of a kind of generator or a styled one, read from the study in this folder."""
    styled = params.generators.styled
    if pool in styled:
        return styler(study, styled[pool], fold, params, device)
    return drawer(study, pool, fold, params, device)


def redrawn(ledger: pd.DataFrame, image_ids: Iterable[str], maker: Maker) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Id, image uint8 (C, S, S) and mask uint8 (1, S, S) of pairs, drawn again from rows of their ledger, batch by batch.

    Whole batches are drawn, as they were the first time: on the same machine the bytes are the same.

    Raises:
        InputError: the ledger has no row of an image, or names another checkpoint than that of the generator at hand.
    """
    wanted = set(image_ids)
    if unknown := sorted(wanted - set(ledger["image_id"])):
        raise InputError(f"{unknown[0]}: the ledger has no such row")
    for number in sorted(ledger.loc[ledger["image_id"].isin(wanted), "batch"].unique()):
        rows = ledger[ledger["batch"] == number].sort_values("index")
        other = rows[rows["checkpoint"] != maker.trained.digest]
        if len(other):
            row = other.iloc[0]
            raise InputError(
                f"{row['image_id']}: its row names the checkpoint {str(row['checkpoint'])[:12]}; the generator has the digest "
                f"{maker.trained.digest[:12]}"
            )
        for image_id, image, mask in zip(rows["image_id"], *maker.draw(rows), strict=True):
            if image_id in wanted:
                yield image_id, image, mask
