"""The folder of a segmentation study with pools made by hand: pairs of the phantom at 32 px, shifted for synthetic ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from synthtrace.features import extractor
from synthtrace.images import file_sha256, load_stack, pixel_hash, read_image, write_image
from synthtrace.pair_tables import write_pair_ledger
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.preprocess.pairs import write_pairs
from synthtrace.scans.lesions import simulate_pair
from synthtrace.seeds import Seeds
from synthtrace.segment.pairs import small_set
from synthtrace.tables import read_manifest, write_folds, write_manifest, write_selection

PARAMS = Path(__file__).parents[2] / "studies" / "segmentation" / "params.yaml"
LABELS = ["C1", "C2", "C3"]
EACH = 2  # variants of a real pair
CHANGES: dict[str, dict[str, Any]] = {
    "dataset": {"labels": LABELS},
    "split": {"test": ["C3"]},
    "features": {"steps": 2, "batch_size": 4},
    "generators": {"kinds": ["diff", "gan", "diff_n8"], "styled": {"styled_diff": "diff"}},
    "fidelity": {"draws": 2, "pairs": 10},
    "segmenter": {"architecture": "unet", "encoder": "tu-test_resnet", "steps": 2, "evaluations": 1, "seeds": 2},
    "mixes": {"multiples": [1, 3], "small_sets": [8], "small_multiples": [1], "small_kinds": ["diff"]},
    "compare": {"bootstrap": 200},
    "report": {"pairs": 2},
}


def parameters(**changes: dict[str, Any]) -> SegmentationParams:
    blocks = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    for laid in (CHANGES, changes):
        for block, values in laid.items():
            blocks[block] |= values
    return SegmentationParams.model_validate(blocks)


def make_study(root: Path, params: SegmentationParams, each_centre: int = 8) -> None:
    """data/scans, data/crops, data/folds, data/features and, of every pool, data/pools and data/selected."""
    scans = root / "data/scans"
    for part in ("images", "masks"):
        (scans / part).mkdir(parents=True)
    rows = [_scan(scans, centre, number) for centre in range(len(LABELS)) for number in range(each_centre)]
    manifest = pd.DataFrame(rows)
    write_manifest(scans, manifest)
    crops = root / "data/crops"
    write_pairs(scans, manifest, crops, 32, 3, lambda items, _: items)
    (root / "data/folds").mkdir()
    roles = np.where(manifest["label_name"] == "C3", "test", "train")
    write_folds(root / "data/folds/folds.csv", manifest[["image_id", "patient_id"]].assign(fold=0, role=roles))
    train = read_manifest(crops)[roles == "train"].reset_index(drop=True)
    images = load_stack([crops / path for path in train["path"]], 3)
    extractor.train(
        root / "data/features/fold0",
        images,
        train,
        fold=0,
        classes=3,
        features=params.features,
        seeds=Seeds(params.seed),
        device=torch.device("cpu"),
    )
    for kind in params.generators.pools:
        size = int(kind.rpartition("_n")[2]) if "_n" in kind else len(train)
        make_pool(root, kind, train[train["image_id"].isin(small_set(train["image_id"], size, Seeds(params.seed)))])


def make_pool(root: Path, kind: str, sources: pd.DataFrame) -> None:
    """A pool of EACH shifted copies of every source, of which the selection keeps all but the first."""
    pool, selected = root / f"data/pools/{kind}/fold0", root / f"data/selected/{kind}/fold0"
    for part in ("images", "masks"):
        (pool / part).mkdir(parents=True)
    rows = []
    for index, source in enumerate(row for row in sources.to_dict("records") for _ in range(EACH)):
        shift, name = 1 + index % EACH, f"{kind}-f0-{index:05d}"
        row = {"image_id": name, "path": f"images/{name}.png", "mask_path": f"masks/{name}.png", "label": source["label"]}
        for column, found in (("path", "pixel_hash"), ("mask_path", "mask_hash")):
            pixels = read_image(root / "data/crops" / source[column])
            pixels = np.roll(pixels, shift, axis=1)
            write_image(pool / row[column], pixels)
            row[found] = pixel_hash(pixels)
        row |= {"file_sha256": file_sha256(pool / row["path"]), "mask_sha256": file_sha256(pool / row["mask_path"])}
        row |= {"generator": kind, "fold": 0, "checkpoint": "x", "index": index, "batch": 0, "seed": index, "cluster": 0}
        row |= {"condition_image_id": source["image_id"], "condition_seed": None, "sampler": "repaint", "steps": 3}
        rows.append(row | {"guidance_scale": None})
    ledger = pd.DataFrame(rows)
    write_pair_ledger(pool, ledger)
    selected.mkdir(parents=True)
    found = ledger[["image_id", "label"]].assign(nearest_real_id=ledger["condition_image_id"], nearest_real_distance=0.5)
    write_selection(selected, found.assign(copy=ledger["index"] == 0, empty=False, mask_unlike=False, kept=ledger["index"] > 0))


def _scan(scans: Path, centre: int, number: int) -> dict[str, Any]:
    image, mask = simulate_pair(Seeds(3), centre, number, number == 0)
    name = f"{LABELS[centre]}_{number}"
    row = {"image_id": name, "path": f"images/{name}.png", "mask_path": f"masks/{name}.png"}
    write_image(scans / row["path"], image)
    write_image(scans / row["mask_path"], mask)
    hashes = {"pixel_hash": pixel_hash(image), "mask_hash": pixel_hash(mask), "mask_area": np.count_nonzero(mask) / mask.size}
    who = {"patient_id": f"{LABELS[centre]}P{number // 2}", "label": centre, "label_name": LABELS[centre]}
    return row | hashes | who | {"frame": number, "source": "phantom", "group_id": LABELS[centre]}
