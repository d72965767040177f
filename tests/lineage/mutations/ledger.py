"""Pool, ledger and selection that no longer say the same; DVC is told each time that all is well."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from edits import drawn
from mutation import Mutation, bless
from PIL import Image
from pipeline_clone import Clone

from synthtrace.images import file_sha256, pixel_hash, write_image
from synthtrace.params import load_params
from synthtrace.seeds import Seeds
from synthtrace.tables import (
    read_candidates,
    read_ledger,
    read_selection,
    write_candidates,
    write_ledger,
    write_selection,
)

KINDS, FOLDS = ["class", "semantic"], [0, 1]


class Pool:
    """A drawn pool of a clone: its ledger, scores and selection to change, and `save`, which also blesses."""

    def __init__(self, clone: Clone, random: np.random.Generator) -> None:
        self.kind, self.fold = drawn(KINDS, random), drawn(FOLDS, random)
        self.clone = clone
        self.folder = clone.folder / f"data/pools/{self.kind}/fold{self.fold}"
        self.selected = clone.folder / f"data/selected/{self.kind}/fold{self.fold}"
        self.scored = clone.folder / f"data/scored/{self.kind}/fold{self.fold}"
        self.ledger, self.selection = read_ledger(self.folder), read_selection(self.selected)
        self.candidates = read_candidates(self.scored)
        self.row = int(random.integers(len(self.ledger)))

    @property
    def file(self) -> Path:
        """The drawn image."""
        return self.folder / self.ledger["path"][self.row]

    def save(self) -> None:
        """Write the tables, as new files, and bless."""
        (self.folder / "ledger.parquet").unlink()
        write_ledger(self.folder, self.ledger)
        (self.scored / "candidates.parquet").unlink()
        write_candidates(self.scored, self.candidates)
        (self.selected / "selection.parquet").unlink()
        write_selection(self.selected, self.selection)
        bless(self.clone)


def add_file(clone: Clone, random: np.random.Generator) -> None:
    pool = Pool(clone, random)
    shutil.copy(pool.file, pool.file.with_name(f"{pool.kind}-f{pool.fold}-{random.integers(1000, 99999):05d}.png"))
    pool.save()


def add_candidate(clone: Clone, random: np.random.Generator) -> None:
    """A further image with rows of its own, as if one more had been drawn."""
    pool = Pool(clone, random)
    index = len(pool.ledger)
    image_id = f"{pool.kind}-f{pool.fold}-{index:05d}"
    pixels = random.integers(0, 256, (32, 32)).astype(np.uint8)
    write_image(pool.folder / f"images/{image_id}.png", pixels)
    params = load_params(clone.folder / "params.yaml")
    row = pool.ledger.iloc[[pool.row]].assign(
        image_id=image_id,
        path=f"images/{image_id}.png",
        index=index,
        batch=index // params.sample.batch_size,
        seed=Seeds(params.seed).integer("sample", pool.kind, pool.fold, "noise", index),
        pixel_hash=pixel_hash(pixels),
        file_sha256=file_sha256(pool.folder / f"images/{image_id}.png"),
    )
    pool.ledger = pd.concat([pool.ledger, row], ignore_index=True)
    pool.candidates = pd.concat([pool.candidates, pool.candidates.iloc[[0]].assign(image_id=image_id)], ignore_index=True)
    pool.selection = pd.concat([pool.selection, pool.selection.iloc[[0]].assign(image_id=image_id)], ignore_index=True)
    pool.save()


def drop_file(clone: Clone, random: np.random.Generator) -> None:
    pool = Pool(clone, random)
    pool.file.unlink()
    pool.save()


def drop_candidate(clone: Clone, random: np.random.Generator) -> None:
    """An image and its rows, as if it had never been drawn."""
    pool = Pool(clone, random)
    image_id = pool.ledger["image_id"][pool.row]
    pool.file.unlink()
    pool.ledger = pool.ledger[pool.ledger["image_id"] != image_id]
    pool.candidates = pool.candidates[pool.candidates["image_id"] != image_id]
    pool.selection = pool.selection[pool.selection["image_id"] != image_id]
    pool.save()


def drop_selection(clone: Clone, random: np.random.Generator) -> None:
    pool = Pool(clone, random)
    pool.selection = pool.selection.drop(index=pool.row)
    pool.save()


def swap(clone: Clone, random: np.random.Generator) -> None:
    """Two images change names."""
    pool = Pool(clone, random)
    other = pool.folder / drawn([path for path in pool.ledger["path"] if path != pool.ledger["path"][pool.row]], random)
    mine, theirs = pool.file.read_bytes(), other.read_bytes()
    for path, content in ((pool.file, theirs), (other, mine)):
        path.unlink()
        path.write_bytes(content)
    pool.save()


def _encode(pool: Pool, random: np.random.Generator) -> None:
    with Image.open(pool.file) as image:
        image.load()
    pool.file.unlink()
    image.save(pool.file, format="PNG", compress_level=drawn([0, 1], random))


def encode(clone: Clone, random: np.random.Generator) -> None:
    """The same pixels in other bytes."""
    pool = Pool(clone, random)
    _encode(pool, random)
    pool.save()


def encode_and_own(clone: Clone, random: np.random.Generator) -> None:
    """The same, and the ledger owns to it."""
    pool = Pool(clone, random)
    _encode(pool, random)
    pool.ledger.loc[pool.row, "file_sha256"] = file_sha256(pool.file)
    pool.save()


def other_checkpoint(clone: Clone, random: np.random.Generator) -> None:
    """A row names a checkpoint that is none, or another pool's."""
    pool = Pool(clone, random)
    others = read_ledger(clone.folder / f"data/pools/{pool.kind}/fold{1 - pool.fold}")["checkpoint"][0]
    pool.ledger.loc[pool.row, "checkpoint"] = drawn([others, random.bytes(32).hex()], random)
    pool.save()


def other_weights(clone: Clone, random: np.random.Generator) -> None:
    """A generator's weights are those of another fold; its card is as it was."""
    pool = Pool(clone, random)
    mine, other = (clone.folder / f"data/generators/{pool.kind}/fold{fold}" for fold in (pool.fold, 1 - pool.fold))
    name = drawn(sorted(json.loads((mine / "card.json").read_text())["weights"]), random)
    (mine / name).unlink()
    shutil.copy(other / name, mine / name)
    pool.save()


def other_seed(clone: Clone, random: np.random.Generator) -> None:
    pool = Pool(clone, random)
    pool.ledger.loc[pool.row, "seed"] = int(random.integers(2**62))
    pool.save()


def other_label(clone: Clone, random: np.random.Generator) -> None:
    pool = Pool(clone, random)
    pool.selection.loc[pool.row, "label"] = 1 - pool.selection["label"][pool.row]
    pool.save()


def draw_rejected(clone: Clone, random: np.random.Generator) -> None:
    """A classifier drew a candidate that the selection says was not kept."""
    pool = Pool(clone, random)
    training = pd.read_parquet(clone.folder / f"data/classifiers/{pool.kind}/training.parquet")
    ids = set(training.loc[training["fold"] == pool.fold, "image_id"]) & set(pool.ledger["image_id"])
    pool.selection.loc[pool.selection["image_id"] == drawn(sorted(ids), random), "kept"] = False
    pool.save()


# DVC has blessed a second result of one stage, and the gate has judged another pool
BLESSED = frozenset({"determinism", "gates"})
IMAGES = BLESSED | {"replay", "memorisation", "numbers"}
WEIGHTS = frozenset({"determinism", "folds", "replay"})

MUTATIONS = [
    Mutation("a file added to a pool", "ledger", add_file, BLESSED),
    Mutation("a candidate added with its rows", "ledger", add_candidate, IMAGES),
    Mutation("a file of a pool dropped", "ledger", drop_file, IMAGES),
    Mutation("a candidate dropped with its rows", "ledger", drop_candidate, IMAGES),
    Mutation("a candidate's row dropped from the selection", "ledger", drop_selection, BLESSED | {"numbers"}),
    Mutation("two images of a pool swapped", "ledger", swap, IMAGES, variants=3),
    Mutation("an image of a pool encoded anew", "ledger", encode, BLESSED, variants=3),
    Mutation("an image encoded anew, with its digest in the ledger", "ledger", encode_and_own, BLESSED),
    Mutation("a row's checkpoint changed", "ledger", other_checkpoint, BLESSED | {"replay"}, variants=3),
    Mutation("a generator's weights are another fold's", "ledger", other_weights, WEIGHTS),
    Mutation("a row's seed changed", "ledger", other_seed, BLESSED | {"replay"}),
    Mutation("a candidate's label changed in the selection", "ledger", other_label, BLESSED),
    Mutation("a classifier drew what was not kept", "ledger", draw_rejected, BLESSED | {"memorisation", "numbers"}),
]
