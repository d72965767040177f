"""`card.json`: what a trained model is and what it saw."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import file_sha256

CARD = "card.json"


class Seen:
    """The images that a training loop really drew, gathered batch by batch."""

    def __init__(self) -> None:
        self.image_ids: set[str] = set()

    def add(self, image_ids: Iterable[str]) -> None:
        """Note a batch's images."""
        self.image_ids.update(image_ids)

    def card_fields(self, manifest: pd.DataFrame) -> dict[str, list[str]]:
        """Sorted `patient_ids` and `image_ids` of what was drawn; `manifest` says whose image is whose."""
        rows = manifest[manifest["image_id"].isin(self.image_ids)]
        return {
            "patient_ids": sorted(set(rows["patient_id"].astype(str))),
            "image_ids": sorted(self.image_ids),
        }


def write_card(folder: Path, **fields: Any) -> None:
    """Write `card.json` with the digest of every weight file (`*.safetensors`) below the folder."""
    folder = Path(folder)
    weights = {str(path.relative_to(folder)): file_sha256(path) for path in sorted(folder.rglob("*.safetensors"))}
    card = {**fields, "weights": weights}
    (folder / CARD).write_text(json.dumps(card, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a checkpoint folder; raises InputError when there is none."""
    path = Path(folder) / CARD
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such card; {folder} is not a checkpoint of this pipeline") from None


def checkpoint_digest(folder: Path) -> str:
    """Hex sha256 that stands for a checkpoint: of the digests of its weight files, by name."""
    weights = read_card(folder)["weights"]
    return hashlib.sha256(json.dumps(weights, sort_keys=True).encode()).hexdigest()
