"""metrics/fidelity.json of a small study: two folds, an untrained extractor, pools whose quality is known."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from synthtrace.errors import InputError
from synthtrace.features import extractor
from synthtrace.fidelity import inception
from synthtrace.fidelity.score import from_workspace
from synthtrace.images import load_stack, pixel_hash, write_image
from synthtrace.params import Params, load_params
from synthtrace.seeds import Seeds
from synthtrace.tables import (
    LEDGER,
    read_folds,
    read_manifest,
    with_role,
    write_folds,
    write_ledger,
    write_manifest,
    write_selection,
)

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
KINDS = ["semantic", "class"]
PATIENTS, FRAMES, SIDE, CANDIDATES = 6, 3, 32, 12
FOLDS = range(2)


def scan(label: int, rng: np.random.Generator, noise: float = 12) -> np.ndarray:
    """A ramp, steeper in class 1."""
    ramp = np.linspace(40, 110 + 70 * label, SIDE)[None, :] * np.ones((SIDE, 1)) + rng.normal(0, 8)
    return np.clip(ramp + rng.normal(0, noise, (SIDE, SIDE)), 0, 255).astype(np.uint8)


def write_crops(root: Path) -> None:
    rng, rows = np.random.default_rng(0), []
    (root / "data/crops/images").mkdir(parents=True)
    for patient in range(2 * PATIENTS):
        for frame in range(FRAMES):
            label, image_id = patient % 2, f"p{patient:02d}-{frame}"
            pixels, path = scan(label, rng), f"images/{image_id}.png"
            write_image(root / "data/crops" / path, pixels)
            rows.append([image_id, pixel_hash(pixels), path, f"{patient:03d}", label, str(label), frame, "test"])
    columns = ["image_id", "pixel_hash", "path", "patient_id", "label", "label_name", "frame", "source"]
    manifest = pd.DataFrame(rows, columns=columns)
    write_manifest(root / "data/crops", manifest)
    second = manifest["patient_id"].astype(int) // 2 % 2
    (root / "data/folds").mkdir()
    write_folds(
        root / "data/folds/folds.csv",
        pd.concat(manifest.assign(fold=fold, role=np.where(second == fold, "test", "train")) for fold in FOLDS),
    )


def write_pool(root: Path, kind: str, fold: int, lone: bool) -> None:
    """`semantic`: ramps as the real images have them; `class`: noise. With `lone` one image alone has label 1 and is kept."""
    rng, rows = np.random.default_rng(10 + fold), []
    folder = root / f"data/pools/{kind}/fold{fold}"
    (folder / "images").mkdir(parents=True)
    for index in range(CANDIDATES):
        label = int(index == 0) if lone else index % 2
        pixels = scan(label, rng, noise=12 if kind == "semantic" else 90)
        image_id = f"{kind}-{fold}-{index}"
        write_image(folder / f"images/{image_id}.png", pixels)
        row = dict.fromkeys(LEDGER) | {"image_id": image_id, "pixel_hash": pixel_hash(pixels), "label": label}
        rows.append(row | {"path": f"images/{image_id}.png"})
    ledger = pd.DataFrame(rows)
    write_ledger(folder, ledger)
    selected = root / f"data/selected/{kind}/fold{fold}"
    selected.mkdir(parents=True)
    kept = (np.arange(CANDIDATES) != 1) & (np.arange(CANDIDATES) != 2)
    copies = {"nearest_real_id": None, "nearest_real_distance": 1.0, "copy": ~kept, "kept": kept}
    write_selection(selected, ledger[["image_id", "label"]].assign(**copies))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("study")
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["split"]["folds"] = list(FOLDS)
    tree["features"] |= {"backbone": "test_resnet", "steps": 1, "batch_size": 4}
    tree["generator"]["kinds"] = KINDS
    (root / "params.yaml").write_text(yaml.safe_dump(tree))
    torch.set_num_threads(1)
    write_crops(root)
    manifest = read_manifest(root / "data/crops")
    for fold in FOLDS:
        training = with_role(manifest, read_folds(root / "data/folds/folds.csv"), fold, "train")
        images = load_stack([root / "data/crops" / path for path in training["path"]], 1)
        extractor.train(
            root / f"data/features/fold{fold}",
            images,
            training,
            fold=fold,
            classes=2,
            features=load_params(root / "params.yaml").features,
            seeds=Seeds(0),
            device=CPU,
        )
        for kind in KINDS:
            write_pool(root, kind, fold, lone=kind == "class" and fold == 1)
    return root


@pytest.fixture(scope="module")
def params(whole: Path) -> Params:
    return load_params(whole / "params.yaml")


@pytest.fixture(scope="module")
def scored(whole: Path, params: Params) -> dict[str, Any]:
    return from_workspace(whole, params, CPU, cached=True)


def only(rows: list[dict[str, Any]], **where: Any) -> dict[str, Any]:
    (found,) = [row for row in rows if all(row[name] == value for name, value in where.items())]
    return found


def test_every_pool_stands_raw_and_kept_beside_the_training_images_by_class_and_whole(scored, params):
    cells = [(row["kind"], row["fold"], row["part"], row["label"], row["label_name"]) for row in scored["pools"]]
    labels = [*enumerate(params.dataset.labels), (None, "all")]
    # a rate of 0.5 can be drawn of what is kept of each pool, one of 1.5 cannot
    parts = {"semantic": ["raw", "kept", "drawn"], "class": ["raw", "kept", "drawn"], "real": ["training"]}
    assert cells == [(kind, fold, part, *label) for kind in parts for fold in FOLDS for part in parts[kind] for label in labels]
    averages = [(row["kind"], row["part"], row["label"]) for row in scored["kinds"]]
    assert averages == [(kind, part, label) for kind in parts for part in parts[kind] for label, _ in labels]
    raw, kept = (only(scored["pools"], kind="semantic", fold=0, part=part, label=None) for part in ("raw", "kept"))
    assert (raw["images"], kept["images"], raw["reference"]) == (CANDIDATES, CANDIDATES - 2, PATIENTS * FRAMES)
    head = ["kind", "fold", "label", "label_name", "part", "selection", "mixing_rate", "images", "reference"]
    shares = [f"{name}_test_resnet" for name in ("precision", "recall", "f1")]
    assert list(raw) == [*head, "fd_test_resnet", "kd_test_resnet", *shares, "ms_ssim"]
    assert scored["extractor"]["name"] == "test_resnet"
    assert scored["inception"] is None
    assert set(scored["extractor"]["digests"]) == {"0", "1"}
    assert scored["extractor"]["digests"]["0"] != scored["extractor"]["digests"]["1"]


def test_noise_is_farther_from_held_out_images_than_look_alikes_are(scored):
    for metric in ("fd_test_resnet", "kd_test_resnet"):
        noise, alike = (
            only(scored["pools"], kind=kind, fold=0, part="raw", label=None)[metric] for kind in ("class", "semantic")
        )
        assert noise["ci95"][0] > alike["ci95"][1]


def test_a_mean_over_folds_is_that_of_its_pools_and_counts_all_their_images(scored):
    average = only(scored["kinds"], kind="semantic", part="kept", label=1)
    cells = [only(scored["pools"], kind="semantic", part="kept", label=1, fold=fold) for fold in FOLDS]
    for name in ("images", "reference"):
        assert average[name] == sum(cell[name] for cell in cells)
    values = [cell["fd_test_resnet"]["value"] for cell in cells]
    assert average["fd_test_resnet"]["mean"] == pytest.approx(np.mean(values))
    low, high = average["fd_test_resnet"]["ci95"]
    assert low < np.mean(values) < high


def test_a_class_of_one_image_has_no_value_and_its_pool_no_interval(scored):
    nothing = {"value": None, "ci95": None}
    lone = only(scored["pools"], kind="class", fold=1, part="raw", label=1)
    assert (lone["images"], lone["fd_test_resnet"], lone["kd_test_resnet"]) == (1, nothing, nothing)
    whole = only(scored["pools"], kind="class", fold=1, part="raw", label=None)["fd_test_resnet"]
    assert whole["value"] > 0
    assert whole["ci95"] is None
    assert only(scored["kinds"], kind="class", part="raw", label=1)["fd_test_resnet"] == {"mean": None, "ci95": None}


def test_the_stage_writes_what_is_computed_with_and_without_the_cache(whole, params, scored):
    command = [sys.executable, str(ROOT / "stages/score_pools.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    result = subprocess.run(command, cwd=whole, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert (whole / "metrics/fidelity.json").read_text() == json.dumps(scored, indent=2, allow_nan=False) + "\n"
    assert from_workspace(whole, params, CPU, cached=False) == scored


def test_without_the_cache_a_forged_embedding_is_not_believed(whole, params, scored, tmp_path):
    root = Path(shutil.copytree(whole, tmp_path / "study"))
    for path in (root / ".scratch/features").rglob("*.npz"):
        np.savez(path, np.zeros_like(np.load(path)["arr_0"]))
    assert from_workspace(root, params, CPU, cached=True) != scored
    assert from_workspace(root, params, CPU, cached=False) == scored


class Network:
    """In the place of Inception: two features and two logits, the image's mean and deviation."""

    sha256 = "0" * 64
    device = CPU

    def look(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        flat = images.reshape(len(images), -1).astype(np.float32)
        moments = np.stack([flat.mean(axis=1), flat.std(axis=1)], axis=1)
        return moments, moments / 50


def test_with_inception_fid_kid_and_its_score_stand_beside_and_its_weights_are_named(whole, params, scored, monkeypatch):
    monkeypatch.setattr(inception, "load", lambda _weights, _device: Network())
    asked = params.model_copy(update={"fidelity": params.fidelity.model_copy(update={"inception": "weights.pth"})})
    found = from_workspace(whole, asked, CPU, cached=True)
    assert found["inception"] == {"sha256": "0" * 64}
    row = only(found["pools"], kind="semantic", fold=0, part="raw", label=None)
    assert [name for name in row if not name.endswith("_test_resnet")][-7:] == [
        "fid",
        "kid",
        "precision_inception",
        "recall_inception",
        "f1_inception",
        "inception_score",
        "ms_ssim",
    ]
    assert row["fd_test_resnet"] == only(scored["pools"], kind="semantic", fold=0, part="raw", label=None)["fd_test_resnet"]
    assert 1 <= row["inception_score"]["ci95"][0] <= row["inception_score"]["value"] <= 2
    assert row["fid"]["value"] < only(found["pools"], kind="class", fold=0, part="raw", label=None)["fid"]["value"]
    lone = only(found["pools"], kind="class", fold=1, part="raw", label=1)
    assert lone["inception_score"] == lone["fid"] == {"value": None, "ci95": None}


def test_extractors_of_two_backbones_are_an_error(whole, params, tmp_path):
    root = Path(shutil.copytree(whole, tmp_path / "study"))
    training = with_role(read_manifest(root / "data/crops"), read_folds(root / "data/folds/folds.csv"), 1, "train")
    images = load_stack([root / "data/crops" / path for path in training["path"]], 1)
    shutil.rmtree(root / "data/features/fold1")
    other = params.features.model_copy(update={"backbone": "test_vit"})
    arguments = {"fold": 1, "classes": 2, "features": other, "seeds": Seeds(0), "device": CPU}
    extractor.train(root / "data/features/fold1", images, training, **arguments)
    with pytest.raises(InputError, match="expected extractors of one backbone, found test_resnet and test_vit"):
        from_workspace(root, params, CPU, cached=False)
