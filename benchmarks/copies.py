"""What the search for copies catches and what it takes for copies, on a finished study: `python benchmarks/copies.py`.

Training images of each fold are disguised, a little as the audit's mutation campaign does it and then ever more, and judged as
candidates of a pool would be; so are the fold's held-out (test) images, which are copies of nothing. Embeddings are computed
anew. The study is the one of the current directory.
"""

import argparse
import io
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from rich.console import Console
from rich.table import Table

from synthtrace.images import read_image
from synthtrace.lineage.copies import Reference, reference
from synthtrace.lineage.machine import as_recorded
from synthtrace.lineage.study import Study, find_study
from synthtrace.stage import progress

CAMPAIGN = Path(__file__).parents[1] / "tests/lineage"

Disguise = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def levels(values: np.ndarray) -> np.ndarray:
    """Rounded and clipped to 8 bits."""
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def shift(pixels: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """Down and right, each by this share of the side one way or the other; the edge is repeated."""
    side, far = len(pixels), round(share * len(pixels))
    down, right = far + far * rng.choice([-1, 1], 2)
    return np.pad(pixels, far, mode="edge")[down : down + side, right : right + side]


def crop(pixels: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """To this share of the side, anywhere, resized to the whole."""
    side = len(pixels)
    top, left = rng.uniform(0, side - share * side, 2)
    box = (left, top, left + share * side, top + share * side)
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC, box=box))


def turn(pixels: np.ndarray, rng: np.random.Generator, degrees: float) -> np.ndarray:
    """About the centre, one way or the other."""
    return np.asarray(Image.fromarray(pixels).rotate(degrees * rng.choice([-1, 1]), Image.Resampling.BICUBIC))


def noise(pixels: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    """Gaussian, grey levels."""
    return levels(pixels + rng.normal(0, deviation, pixels.shape))


def power(pixels: np.ndarray, rng: np.random.Generator, gamma: float) -> np.ndarray:
    """Grey levels raised to a power."""
    return levels(255 * (pixels / 255) ** gamma)


def invert(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bright for dark."""
    return 255 - pixels


def jpeg(pixels: np.ndarray, rng: np.random.Generator, quality: int) -> np.ndarray:
    """Saved as JPEG and read again."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=quality)
    return np.asarray(Image.open(file))


def cover(pixels: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """A grey box of this share of the side, anywhere."""
    side, reach = len(pixels), round(share * len(pixels))
    down, right = rng.integers(0, side - reach + 1, 2)
    covered = pixels.copy()
    covered[down : down + reach, right : right + reach] = 128
    return covered


def disguises() -> dict[str, Disguise]:
    """Those of the campaign, then stronger ones."""
    sys.path.insert(0, str(CAMPAIGN))
    from disguises import DISGUISES

    return DISGUISES | {
        "shifted by an eighth": partial(shift, share=1 / 8),
        "shifted by a sixth": partial(shift, share=1 / 6),
        "cropped to 80 %": partial(crop, share=0.8),
        "cropped to 70 %": partial(crop, share=0.7),
        "cropped to 60 %": partial(crop, share=0.6),
        "noise of deviation 15": partial(noise, deviation=15),
        "noise of deviation 40": partial(noise, deviation=40),
        "gamma 0.6": partial(power, gamma=0.6),
        "gamma 1.6": partial(power, gamma=1.6),
        "JPEG of quality 20": partial(jpeg, quality=20),
        "turned by 3 degrees": partial(turn, degrees=3),
        "turned by 10 degrees": partial(turn, degrees=10),
        "a box of a quarter of the side": partial(cover, share=1 / 4),
        "inverted": invert,
    }


def disguised(
    study: Study, against: Reference, names: dict[str, Disguise], count: int, rng: np.random.Generator
) -> pd.DataFrame:
    """A row a disguised image: its disguise, whether and how it was caught, and whether its own patient was named."""
    rows = against.training.iloc[rng.permutation(len(against.training))[:count]]
    channels = against.size[0]
    pixels = [read_image(study.path("data/crops") / path, channels) for path in rows["path"]]
    patients = against.training.set_index("image_id")["patient_id"]
    tables = []
    for name, disguise in names.items():
        images = np.stack([disguise(image, rng) for image in pixels])
        found = against.finder.find(images[:, None] if channels == 1 else images.transpose(0, 3, 1, 2).copy())
        tables.append(
            pd.DataFrame(
                {
                    "disguise": name,
                    "caught": found["copy"],
                    "pixels": found["nearest_real_distance"] <= against.finder.pixels.threshold,
                    "embedding": found["embedding_distance"] <= against.finder.embedding.threshold,
                    "patient": found["nearest_real_id"].map(patients).to_numpy() == rows["patient_id"].to_numpy(),
                }
            )
        )
    return pd.concat(tables)


def measure(study: Study, count: int) -> dict[str, Any]:
    """Shares over all folds: caught by disguise, and held-out images called copies."""
    names, caught, held_out = disguises(), [], []
    for fold in progress(study.fold_numbers, "folds", unit="fold"):
        stage = f"select@{study.kinds[0]}-{fold}"
        with as_recorded(study, stage) as machine, reference(study, fold, study.params_of(stage), machine.device) as against:
            caught.append(disguised(study, against, names, count, np.random.default_rng(fold)))
            held_out.append(against.held_out["copy"])
    table = pd.concat(caught)
    shares = table.groupby("disguise", sort=False)[["caught", "pixels", "embedding", "patient"]].mean()
    called = pd.concat(held_out)
    return {
        "name": "copies",
        "folds": len(caught),
        "images_each": len(table) // len(names),
        "held_out": {"images": len(called), "called_copies": int(called.sum())},
        "disguises": shares.round(4).to_dict(orient="index"),
    }


def show(found: dict[str, Any]) -> None:
    """The table for people."""
    table = Table("disguise")
    for column in ("caught", "within in pixels", "within in embedding", "patient named"):
        table.add_column(column, justify="right")
    for name, shares in found["disguises"].items():
        table.add_row(name, *(f"{share:.1%}" for share in shares.values()))
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=120)
    console.print(table)
    held_out = found["held_out"]
    console.print(
        f"{found['images_each']} training images a disguise, of {found['folds']} folds; {held_out['called_copies']} of "
        f"{held_out['images']} images of held-out patients are called copies"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100, help="training images a fold and disguise")
    result = measure(find_study(), parser.parse_args().images)
    show(result)
    print(json.dumps(result))
