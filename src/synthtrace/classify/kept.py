"""The kept model of a scenario: first backbone, first seed, first fold, for explanations; and what every model saw."""

from pathlib import Path

import pandas as pd

from synthtrace import backbones
from synthtrace.cards import write_card
from synthtrace.classify.grid import OF_RECIPE, Collected
from synthtrace.images import file_sha256
from synthtrace.params import REAL, TRADITIONAL, Params


def _not_of(scenario: str) -> set[str]:
    """Parameters of `classifier` that say nothing about the classifiers of a scenario."""
    others = {"augmentation"} if scenario == REAL else {"baseline_augmentation"}
    crops = {"traditional", "traditional_scale", "traditional_degrees", "traditional_rotated"}
    return others if scenario == TRADITIONAL else others | crops


def save_kept(folder: Path, scenario: str, done: Collected, manifest: pd.DataFrame, params: Params) -> None:
    """Write the model with its card, and training.parquet: one row a backbone, seed, fold and image that was drawn."""
    first = done.first
    if first is None:
        raise ValueError("expected at least one training")
    backbones.save(folder, first.model, first.recipe.backbone, len(params.dataset.labels), params.preprocess.channels)
    done.drawn().drop(columns=OF_RECIPE).to_parquet(folder / "training.parquet", index=False)
    weights = params.classifier.weights
    seen = first.training["image_id"]
    originals = set(seen.str.split("~").str[0])
    patients = manifest.loc[manifest["image_id"].isin(originals), "patient_id"]
    write_card(
        folder,
        kind="classifier",
        backbone=first.recipe.backbone,
        fold=first.fold,
        patient_ids=sorted(set(patients.astype(str))),
        image_ids=sorted(seen),
        params=params.classifier.model_dump(exclude=_not_of(scenario)),
        mode=first.recipe.mode,
        weights_sha256=file_sha256(Path(weights)) if weights and Path(weights).is_file() else None,
        seed=params.seed,
        seed_index=first.seed,
        steps=len(first.losses),
        losses={"last": first.losses[-1]},
    )
