"""The kept model of a scenario: first backbone, first seed, first fold, for explanations; and what every model saw."""

from pathlib import Path

import pandas as pd

from synthtrace import backbones
from synthtrace.cards import write_card
from synthtrace.classify.grid import Trained
from synthtrace.params import Params


def save_kept(folder: Path, first: Trained, training: pd.DataFrame, manifest: pd.DataFrame, params: Params) -> None:
    """Write the model with its card, and training.parquet: one row a backbone, seed, fold and image that was drawn."""
    backbones.save(folder, first.model, first.backbone, len(params.dataset.labels), params.preprocess.channels)
    training.to_parquet(folder / "training.parquet", index=False)
    seen = first.training["image_id"]
    originals = set(seen.str.split("~").str[0])
    patients = manifest.loc[manifest["image_id"].isin(originals), "patient_id"]
    write_card(
        folder,
        kind="classifier",
        backbone=first.backbone,
        fold=first.fold,
        patient_ids=sorted(set(patients.astype(str))),
        image_ids=sorted(seen),
        params=params.classifier.model_dump(),
        seed=first.seed,
        steps=len(first.losses),
        losses={"last": first.losses[-1]},
    )
