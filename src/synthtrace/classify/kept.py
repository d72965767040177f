"""The kept model of a scenario: first backbone, first seed, first fold, for explanations; and what every model saw."""

from pathlib import Path

import pandas as pd
from safetensors.torch import save_file

from synthtrace.cards import write_card
from synthtrace.classify.grid import Trained
from synthtrace.params import Params


def save_kept(folder: Path, first: Trained, training: pd.DataFrame, manifest: pd.DataFrame, params: Params) -> None:
    """Write model.safetensors, card.json and training.parquet (one row a backbone, seed, fold and image that it drew)."""
    folder.mkdir(parents=True)
    training.to_parquet(folder / "training.parquet", index=False)
    state = {name: value.cpu().contiguous() for name, value in first.model.state_dict().items()}
    save_file(state, folder / "model.safetensors")
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
