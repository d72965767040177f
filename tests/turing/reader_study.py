"""A finished study as far as a reader test needs one: tables and tiny images, made here."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from synthtrace.images import pixel_hash, write_image
from synthtrace.params import Params, parse_params
from synthtrace.tables import write_ledger, write_manifest, write_selection

ROOT = Path(__file__).parents[2]
LABELS = ["healthy", "nafld"]
SIDE = 16


def parameters(real: list[int], synthetic: list[int]) -> Params:
    """params.yaml with two folds and these counts."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["split"] = {**tree["split"], "folds": [0, 1], "repeats": 1}
    tree["turing"] = {"real": real, "synthetic": synthetic}
    return parse_params(tree)


def _image(folder: Path, name: str, rng: np.random.Generator, smooth: bool) -> str:
    # real images are noise and synthetic ones flat: compressed, their lengths would differ
    pixels = np.full((SIDE, SIDE), rng.integers(256)) if smooth else rng.integers(0, 256, (SIDE, SIDE))
    pixels = pixels.astype(np.uint8)
    if smooth:
        pixels[0] = rng.integers(0, 256, SIDE)
    folder.mkdir(parents=True, exist_ok=True)
    write_image(folder / f"{name}.png", pixels)
    return pixel_hash(pixels)


def make_study(root: Path, params: Params, patients: int = 12, frames: int = 3, pool: int = 24) -> None:
    """`patients` of each class with `frames` each; pools of `pool` images a kind and fold, every fourth not kept."""
    rng = np.random.default_rng(0)
    rows = []
    for label, name in enumerate(LABELS):
        for patient in range(patients):
            for frame in range(frames):
                image_id = f"{name}-{patient:02d}-{frame}"
                digest = _image(root / "data/crops/images", image_id, rng, smooth=False)
                rows.append(
                    (image_id, digest, f"images/{image_id}.png", f"{name[0]}{patient}", label, name, frame, "made here")
                )
    columns = ["image_id", "pixel_hash", "path", "patient_id", "label", "label_name", "frame", "source"]
    manifest = pd.DataFrame(rows, columns=columns)
    write_manifest(root / "data/crops", manifest)
    for kind in params.generator.kinds:
        for fold in params.split.folds:
            _make_pool(root, kind, fold, pool, list(manifest["image_id"]), rng)


def _make_pool(root: Path, kind: str, fold: int, size: int, crops: list[str], rng: np.random.Generator) -> None:
    folder, selected = root / f"data/pools/{kind}/fold{fold}", root / f"data/selected/{kind}/fold{fold}"
    selected.mkdir(parents=True)
    names = [f"{kind}-f{fold}-{index:05d}" for index in range(size)]
    ledger = pd.DataFrame(
        {
            "image_id": names,
            "pixel_hash": [_image(folder / "images", name, rng, smooth=True) for name in names],
            "path": [f"images/{name}.png" for name in names],
            "label": [index % 2 for index in range(size)],
            "condition_image_id": [crops[index] if kind == "semantic" else None for index in range(size)],
        }
    )
    others = ["file_sha256", "generator", "fold", "checkpoint", "index", "batch", "seed", "condition_seed", "sampler", "steps"]
    write_ledger(folder, ledger.assign(guidance_scale=1.0, **dict.fromkeys(others, 0)))
    kept = [index % 4 != 3 for index in range(size)]
    write_selection(
        selected,
        ledger[["image_id", "label"]].assign(
            nearest_real_id=crops[0], nearest_real_distance=1.0, copy=[not one for one in kept], kept=kept
        ),
    )
