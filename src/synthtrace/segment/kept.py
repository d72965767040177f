"""A kept segmentation network with its card."""

from pathlib import Path

import pandas as pd

from synthtrace.cards import write_card
from synthtrace.images import file_sha256
from synthtrace.params.segmenter import Segmenter
from synthtrace.segment.grid import Cell
from synthtrace.segment.networks import save


def save_kept(folder: Path, cell: Cell, sources: dict[str, str], real: pd.DataFrame, settings: Segmenter, seed: int) -> None:
    """Write a training's network, config and card below `folder`.

    `sources` says from which real pair each training pair came (`Pairs.source_ids` by image_id), `real` is the manifest of the
    real pairs, and `seed` the root of all draws. The card names the pairs that were drawn and the patients behind them.
    """
    trained = cell.trained
    save(folder, trained.network, settings.architecture, settings.encoder)
    behind = {sources[image_id] for image_id in trained.seen}
    patients = real.loc[real["image_id"].isin(behind), "patient_id"]
    weights = settings.weights
    write_card(
        folder,
        kind="segmenter",
        recipe=cell.recipe.name,
        patient_ids=sorted(set(patients.astype(str))),
        image_ids=trained.seen,
        params=settings.model_dump(),
        weights_sha256=file_sha256(Path(weights)) if weights and Path(weights).is_file() else None,
        seed=seed,
        seed_index=cell.seed,
        steps=len(trained.losses),
        best_step=trained.best_step,
        validation_iou=max(trained.validation_ious),
        losses={"last": trained.losses[-1]},
    )
