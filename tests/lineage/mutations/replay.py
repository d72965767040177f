"""Images that no generator drew from their ledger rows; the rows hold their digests, and DVC is told that all is well."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from edits import drawn
from mutation import Mutation, bless
from pipeline_clone import Clone

from synthtrace.generators.checkpoints import load_generator
from synthtrace.images import file_sha256, pixel_hash, read_image, to_pixels, write_image
from synthtrace.params import load_params
from synthtrace.pools.sampling import reference, sample_batch
from synthtrace.tables import read_folds, read_ledger, read_manifest, with_role, write_ledger

DIGESTS = ["pixel_hash", "file_sha256"]
# the gate judged other data, the selection measured them, and DVC has blessed a second result of one stage
SEEN = frozenset({"gates", "determinism", "memorisation", "numbers"})
ALL = {"everything": True}


def forge(pool: Path, ledger: pd.DataFrame, row: int, pixels: np.ndarray) -> None:
    """Put an image in the place of another, and its digests into the ledger's row."""
    path = pool / ledger.loc[row, "path"]
    path.unlink()
    write_image(path, pixels)
    ledger.loc[row, DIGESTS] = pixel_hash(pixels), file_sha256(path)
    write_ledger(pool, ledger)


def retouch(clone: Clone, rng: np.random.Generator) -> None:
    """A pixel or a few, one or two grey levels off: what another device could have given, but this one did not."""
    pool, ledger, row = _candidate(clone, rng)
    pixels = read_image(pool / ledger.loc[row, "path"]).copy()
    for _ in range(rng.integers(1, 5)):
        at = tuple(rng.integers(side) for side in pixels.shape)
        pixels[at] = (pixels[at] + rng.integers(1, 3)) % 256
    forge(pool, ledger, row, pixels)
    bless(clone)


def repaint(clone: Clone, rng: np.random.Generator) -> None:
    """Light noise, or a spot that was not there, in one image of every batch of a pool: any batch drawn shows it."""
    pool, ledger, _ = _candidate(clone, rng)
    for batch in ledger["batch"].unique():
        row = drawn(ledger.index[ledger["batch"] == batch].tolist(), rng)
        pixels = read_image(pool / ledger.loc[row, "path"]).astype(int)
        if rng.random() < 0.5:
            pixels += rng.normal(0, 4, pixels.shape).round().astype(int)
        else:
            top, left = (int(rng.integers(side - 4)) for side in pixels.shape)
            pixels[top : top + 4, left : left + 4] += 60
        forge(pool, ledger, row, pixels.clip(0, 255).astype(np.uint8))
    bless(clone)


def borrow(clone: Clone, rng: np.random.Generator) -> None:
    """An image of the same kind and label that another fold's generator drew."""
    pool, ledger, row = _candidate(clone, rng)
    other = drawn(sorted(folder for folder in pool.parent.iterdir() if folder != pool), rng)
    theirs = read_ledger(other)
    source = drawn(theirs.index[theirs["label"] == ledger.loc[row, "label"]].tolist(), rng)
    forge(pool, ledger, row, read_image(other / theirs.loc[source, "path"]))
    bless(clone)


def exchange(clone: Clone, rng: np.random.Generator) -> None:
    """Two images of a pool in each other's place."""
    pool, ledger, row = _candidate(clone, rng)
    other = drawn([at for at in ledger.index if at != row], rng)
    images = [read_image(pool / ledger.loc[at, "path"]) for at in (row, other)]
    for at, pixels in zip((other, row), images, strict=True):
        forge(pool, ledger, at, pixels)
    bless(clone)


def condition_of_choice(clone: Clone, rng: np.random.Generator) -> None:
    """An image drawn under another map, as its row says: it regenerates, but the stage's seed never chose that map."""
    fold = int(rng.integers(2))
    crops, pool = clone.folder / "data/crops", clone.folder / f"data/pools/semantic/fold{fold}"
    rows = with_role(read_manifest(crops), read_folds(clone.folder / "data/folds/folds.csv"), fold, "train")
    params = load_params(clone.folder / "params.yaml")
    training = reference(crops, rows, params.preprocess.image_size, params.family("semantic").distortion)
    folders = (clone.folder / f"data/{name}/fold{fold}" for name in ("generators/semantic", "autoencoders"))
    trained = load_generator(*folders, params.preprocess.channels, torch.device("cpu"))
    ledger = read_ledger(pool)
    row = int(rng.integers(len(ledger)))
    others = rows[(rows["label"] == ledger.loc[row, "label"]) & (rows["image_id"] != ledger.loc[row, "condition_image_id"])]
    ledger.loc[row, "condition_image_id"] = drawn(others["image_id"].tolist(), rng)
    batch = ledger[ledger["batch"] == ledger.loc[row, "batch"]]
    torch.set_num_threads(params.compute.threads)
    images = sample_batch(batch, trained, training, torch.device("cpu"))
    forge(pool, ledger, row, to_pixels(images[batch.index.get_loc(row)]))
    bless(clone)


def forge_all_behind(clone: Clone, rng: np.random.Generator) -> None:
    """The whole study made to agree with one retouched image: all behind it runs again, and the run cache forgets."""
    pool, ledger, row = _candidate(clone, rng)
    pixels = read_image(pool / ledger.loc[row, "path"])
    forge(pool, ledger, row, np.roll(pixels, int(rng.integers(1, 4)), axis=1))
    shutil.rmtree(clone.folder / ".dvc/cache/runs")
    name = f"{pool.parent.name}-{pool.name.removeprefix('fold')}"
    for command in (("dvc", "commit", "--quiet", "--force", f"sample@{name}"), ("synthtrace", "repro")):
        result = clone.run(*command)
        assert result.returncode == 0, result.stdout + result.stderr


def _candidate(clone: Clone, rng: np.random.Generator) -> tuple[Path, pd.DataFrame, int]:
    """A pool, its ledger and the position of one of its rows."""
    pools = sorted(path.parent for path in (clone.folder / "data/pools").glob("*/*/ledger.parquet"))
    pool = drawn(pools, rng)
    ledger = read_ledger(pool)
    return pool, ledger, int(rng.integers(len(ledger)))


MUTATIONS = [
    Mutation("a few pixels of an image changed by a grey level or two, blessed", "replay", retouch, SEEN, 3, ALL),
    Mutation("noise or a spot on an image of every batch of a pool, blessed", "replay", repaint, SEEN),
    Mutation("an image of another fold's pool, blessed", "replay", borrow, SEEN, 2, ALL),
    Mutation("two images of a pool exchanged, blessed", "replay", exchange, SEEN, 2, ALL),
    Mutation("an image drawn under a map of the forger's choice, blessed", "replay", condition_of_choice, SEEN),
    Mutation("a forged image, and all behind it run again", "replay", forge_all_behind, variants=1, options=ALL),
]
