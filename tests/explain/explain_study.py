"""A study as far as the explanations read it: crops, folds, a pool with its selection, a kept classifier."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from synthtrace import backbones, compute
from synthtrace.cards import write_card
from synthtrace.images import to_pixels, write_image
from synthtrace.params import Params, parse_params
from synthtrace.tables import LEDGER, SELECTION, write_folds, write_ledger, write_manifest, write_selection

ROOT = Path(__file__).parents[2]
FOLD, SIDE = 1, 32


def tree(channels: int = 1, **explain: int) -> dict[str, Any]:
    """The default parameters with a small explanation of the `class` kind."""
    result: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    result["preprocess"]["channels"] = channels
    result["generator"]["kinds"] = ["class", "semantic"]
    result["explain"] = {"images": 2, "background": 3, "samples": 6, **explain}
    return result


def params(channels: int = 1, **explain: int) -> Params:
    return parse_params(tree(channels, **explain))


def pictures(count: int, channels: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, channels, SIDE, SIDE), dtype=np.uint8)


def write_study(root: Path, channels: int = 1) -> Path:
    """Eight patients with three frames each, half of them tested in FOLD, and a pool of eight images.

    The kept classifier drew the pool images 0 to 5, another seed 6 and 7; all but 5 were kept.
    """
    crops = root / "data/crops"
    (crops / "images").mkdir(parents=True)
    manifest = pd.DataFrame(
        {
            "image_id": [f"p{patient}-{frame}" for patient in range(8) for frame in range(3)],
            "pixel_hash": "x",
            "path": [f"images/p{patient}-{frame}.png" for patient in range(8) for frame in range(3)],
            "patient_id": [f"p{patient}" for patient in range(8) for _ in range(3)],
            "label": [patient % 2 for patient in range(8) for _ in range(3)],
            "label_name": [("healthy", "nafld")[patient % 2] for patient in range(8) for _ in range(3)],
            "frame": [frame for _ in range(8) for frame in range(3)],
            "source": "toy",
        }
    )
    images = pictures(len(manifest), channels, 0)
    for path, image in zip(manifest["path"], images, strict=True):
        write_image(crops / path, to_pixels(image))
    write_manifest(crops, manifest)
    tested = manifest["patient_id"].isin(["p0", "p1", "p2", "p3"])
    (root / "data/folds").mkdir()
    folds = [
        manifest[["image_id", "patient_id"]].assign(fold=fold, role=np.where(tested == (fold == FOLD), "test", "train"))
        for fold in (0, FOLD)
    ]
    write_folds(root / "data/folds/folds.csv", pd.concat(folds))
    _write_pool(root, channels)
    kept = root / "data/classifiers/class"
    compute.seed_everything(0)
    model = backbones.create("test_resnet", 2, channels)
    backbones.save(kept, model, "test_resnet", 2, channels)
    write_card(kept, backbone="test_resnet", fold=FOLD, seed_index=0)
    drawn = pd.DataFrame({"image_id": [*manifest["image_id"][~tested], *(f"class-{n}" for n in range(6))]})
    training = [drawn.assign(seed=0), pd.DataFrame({"image_id": ["class-6", "class-7"], "seed": 1})]
    pd.concat(training).assign(backbone="test_resnet", mixing_rate=1.0, fold=FOLD).to_parquet(kept / "training.parquet")
    return root


def _write_pool(root: Path, channels: int) -> None:
    pool, selected = root / f"data/pools/class/fold{FOLD}", root / f"data/selected/class/fold{FOLD}"
    (pool / "images").mkdir(parents=True)
    selected.mkdir(parents=True)
    ids = [f"class-{n}" for n in range(8)]
    ledger = pd.DataFrame(dict.fromkeys(LEDGER), index=range(8))
    ledger = ledger.assign(image_id=ids, path=[f"images/{name}.png" for name in ids], label=[n % 2 for n in range(8)])
    for path, image in zip(ledger["path"], pictures(8, channels, 1), strict=True):
        write_image(pool / path, to_pixels(image))
    write_ledger(pool, ledger)
    selection = pd.DataFrame(dict.fromkeys(SELECTION), index=range(8))
    write_selection(selected, selection.assign(image_id=ids, label=ledger["label"], kept=[n != 5 for n in range(8)]))
