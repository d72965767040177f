"""Drawing a reader test from real crops and kept pool images, and writing it without a hint of which is which."""

import hashlib
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from synthtrace.errors import InputError
from synthtrace.images import load_stack, pixel_hash, to_pixels
from synthtrace.params import Params
from synthtrace.seeds import Seeds
from synthtrace.tables import read_ledger, read_manifest, read_selection
from synthtrace.turing.key import IMAGES, KEY, KEY_FILE, REAL, SYNTHETIC, image_name

CROPS = Path("data/crops")
# every file bears one and the same time: 2000-01-01
WHEN = 946_684_800


def draw(root: Path, params: Params) -> pd.DataFrame:
    """Choose the images: a row each in the readers' order, columns as in KEY but `file_sha256`, and `path` below `root`.

    Counts a class are `params.turing`, for real images and for each generator kind (paper 0: 7 + 13 real, and 6 + 9 of each of
    two kinds). Real images are crops of the whole study, one frame a patient as long as there are patients. Synthetic images
    are kept ones of any fold; none is drawn whose map came from a real image that is shown: the two would give each other away.

    Raises:
        InputError: a class has too few images, or a table of the pipeline is missing.
    """
    seeds = Seeds(params.seed)
    manifest = read_manifest(root / CROPS)
    drawn = []
    for label, name in enumerate(params.dataset.labels):
        rows = manifest[manifest["label"] == label].sort_values("image_id")
        drawn.append(_real(rows, params.turing.real[label], name, seeds.stream("turing", REAL, label)))
    shown = pd.concat(drawn)["image_id"]
    for kind in params.generator.kinds:
        kept = _kept(root, kind, params.split.folds)
        kept = kept[~kept["condition_image_id"].isin(shown)]
        for label, name in enumerate(params.dataset.labels):
            rng = seeds.stream("turing", kind, label)
            drawn.append(_synthetic(kept[kept["label"] == label], params.turing.synthetic[label], name, kind, rng))
    chosen = pd.concat(drawn, ignore_index=True)
    if chosen.empty:
        raise InputError("params.yaml: turing.real and turing.synthetic ask for no image at all")
    chosen = chosen.iloc[seeds.stream("turing", "order").permutation(len(chosen))].reset_index(drop=True)
    names = chosen["label"].map(dict(enumerate(params.dataset.labels)))
    return chosen.assign(number=chosen.index + 1, label_name=names)


def _real(rows: pd.DataFrame, count: int, name: str, rng: np.random.Generator) -> pd.DataFrame:
    shuffled = rows.iloc[rng.permutation(len(rows))].drop_duplicates("pixel_hash")
    if len(shuffled) < count:
        raise InputError(
            f"turing.real asks for {count} real images of {name}, but {CROPS / 'manifest.csv'} holds "
            f"{len(shuffled)} distinct ones"
        )
    # first every patient's first frame in the shuffled order, then every second, ...
    frame = shuffled.groupby("patient_id").cumcount()
    chosen = shuffled.iloc[np.argsort(frame.to_numpy(), kind="stable")[:count]]
    paths = str(CROPS) + "/" + chosen["path"]
    return chosen[["image_id", "label", "patient_id", "pixel_hash"]].assign(source=REAL, kind="", fold="", path=paths)


def _kept(root: Path, kind: str, folds: list[int]) -> pd.DataFrame:
    """Kept images of a kind over all folds, one of each picture."""
    pools = []
    for fold in folds:
        pool = Path(f"data/pools/{kind}/fold{fold}")
        selection = read_selection(root / f"data/selected/{kind}/fold{fold}")
        ledger = read_ledger(root / pool)
        kept = ledger[ledger["image_id"].isin(selection.loc[selection["kept"].astype(bool), "image_id"])]
        pools.append(kept.assign(fold=str(fold), path=str(pool) + "/" + kept["path"]))
    return pd.concat(pools).sort_values("image_id").drop_duplicates("pixel_hash")


def _synthetic(rows: pd.DataFrame, count: int, name: str, kind: str, rng: np.random.Generator) -> pd.DataFrame:
    if len(rows) < count:
        raise InputError(
            f"turing.synthetic asks for {count} {kind} images of {name}, but {len(rows)} are kept over all folds and "
            "conditioned on no real image of the test; lower turing.synthetic or raise sample.images"
        )
    chosen = rows.iloc[rng.permutation(len(rows))[:count]]
    return chosen[["image_id", "label", "pixel_hash", "fold", "path"]].assign(source=SYNTHETIC, kind=kind, patient_id="")


def encode(pixels: np.ndarray) -> bytes:
    """PNG bytes whose length depends on nothing but the size of the image: nothing is compressed, no metadata."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=0)
    return buffer.getvalue()


def build(root: Path, out: Path, params: Params) -> pd.DataFrame:
    """Draw a test and write `out`: `images/` for readers, `key.csv` for nobody but `score`; returns the key.

    The same data and parameters give the same files. The folder, which may hold images of patients, tells Git to ignore it.

    Raises:
        InputError: `out` is there already (readers may have begun, and what was shown must stay as it is), or as in `draw`, or
            an image is not the one that its table names.
    """
    if out.exists():
        raise InputError(f"{out}: is there already; name another folder, or delete this one and all answers in it")
    chosen = draw(root, params)
    contents = _contents(root, chosen, params.preprocess.channels)
    key = chosen.assign(file_sha256=[hashlib.sha256(content).hexdigest() for content in contents])[KEY]
    half = out.with_name(f"{out.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    (half / IMAGES).mkdir(parents=True)
    (half / ".gitignore").write_text("*\n")
    for number, content in enumerate(contents, start=1):
        path = half / IMAGES / image_name(number)
        path.write_bytes(content)
        os.utime(path, (WHEN, WHEN))
    key.to_csv(half / KEY_FILE, index=False, lineterminator="\n")
    half.replace(out)
    return key


def _contents(root: Path, chosen: pd.DataFrame, channels: int) -> list[bytes]:
    """The chosen images as they will be served, checked against the tables that name them."""
    images = [to_pixels(image) for image in load_stack([root / path for path in chosen["path"]], channels)]
    for path, expected, pixels in zip(chosen["path"], chosen["pixel_hash"], images, strict=True):
        if pixel_hash(pixels) != expected:
            raise InputError(f"{root / path}: its pixels are not those that its table names")
    return [encode(pixels) for pixels in images]
