"""A training image of the fold, disguised, stands in a pool as a kept image; ledger and selection agree with it."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import yaml
from disguises import DISGUISES, Disguise
from mutation import Mutation, bless
from pipeline_clone import Clone

from synthtrace.images import file_sha256, pixel_hash, read_image, write_image
from synthtrace.tables import (
    read_folds,
    read_ledger,
    read_manifest,
    read_selection,
    with_role,
    write_ledger,
)


@dataclass(frozen=True)
class Slipped:
    """What was slipped in: pool, its image, and the training image that it is."""

    kind: str
    fold: int
    image_id: str
    training_id: str


def slip(clone: Clone, rng: np.random.Generator, disguise: Disguise) -> Slipped:
    """Put a training image in the place of a kept candidate of its label.

    The ledger's row gets the new digests; the selection's row, kept and no copy, stays as plausible as it was.
    """
    params = yaml.safe_load((clone.folder / "params.yaml").read_text())
    kind, fold = str(rng.choice(params["generator"]["kinds"])), int(rng.choice(params["split"]["folds"]))
    crops, pool = clone.folder / "data/crops", clone.folder / f"data/pools/{kind}/fold{fold}"
    selection, ledger = read_selection(clone.folder / f"data/selected/{kind}/fold{fold}"), read_ledger(pool)
    image_id = str(rng.choice(selection.loc[selection["kept"], "image_id"]))
    row = ledger.index[ledger["image_id"] == image_id][0]
    training = with_role(read_manifest(crops), read_folds(clone.folder / "data/folds/folds.csv"), fold, "train")
    source = training[training["label"] == ledger.loc[row, "label"]].sample(random_state=rng).iloc[0]
    pixels = disguise(read_image(crops / source["path"]), rng)
    path = pool / ledger.loc[row, "path"]
    path.unlink()
    write_image(path, pixels)
    ledger.loc[row, ["pixel_hash", "file_sha256"]] = pixel_hash(pixels), file_sha256(path)
    write_ledger(pool, ledger)
    return Slipped(kind, fold, image_id, source["image_id"])


def _apply(clone: Clone, rng: np.random.Generator, disguise: Disguise) -> None:
    slip(clone, rng, disguise)
    bless(clone)


MUTATIONS = [
    Mutation(
        f"a training image {name} among the kept",
        "memorisation",
        partial(_apply, disguise=disguise),
        # the image does not regenerate, the gate has judged other data, and DVC has blessed a second result of one stage
        also=frozenset({"replay", "gates", "determinism", "numbers"}),
    )
    for name, disguise in DISGUISES.items()
    if name != "all of these"
]
