"""A fake workspace: everything that the report reads, small, written without running the pipeline."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paper_figures import make_fidelity, make_runs, write_curve, write_explanations, write_json

from synthtrace.images import pixel_hash, write_image
from synthtrace.params import Params, load_params
from synthtrace.tables import write_folds, write_ledger, write_manifest, write_selection

ROOT = Path(__file__).parents[2]
SIZE = 16
FRAMES = 2
FOLDS = 2
CANDIDATES = 12


def picture(rng: np.random.Generator, label: int) -> np.ndarray:
    ramp = np.linspace(40, 200 - 60 * label, SIZE)[:, None] + rng.normal(0, 18, (SIZE, SIZE))
    return ramp.clip(0, 255).astype(np.uint8)


def auc(mean: float, low: float, high: float) -> dict:
    return {"mean": mean, "sd": 0.011, "ci95": [low, high]}


def versus(difference: float, low: float, high: float) -> dict:
    return {"difference": difference, "ci95": [low, high], "t": 1.234, "p": 0.34, "p_holm": 0.68}


def make_summary() -> dict:
    scenarios = {"real": {"auc_image": auc(0.861, 0.78, 0.93), "auc_patient": auc(0.88, 0.77, 0.96)}}
    for name, difference in (("semantic", 0.012), ("class", -0.02), ("traditional", 0.004)):
        scenarios[name] = {
            "auc_image": auc(0.861 + difference, 0.77, 0.94),
            "auc_patient": auc(0.88 + difference, 0.75, 0.97),
            "versus_real": versus(difference, difference - 0.032, difference + 0.038),
            "versus_real_patient": versus(difference, difference - 0.05, difference + 0.06),
        }
        scenarios[name]["versus_real_patient"] |= {"delong": {"z": 0.567, "p": 0.57, "p_holm": 0.91}, "nadeau_bengio": None}
    summary = {
        "mixing_rate": 1.0,
        "patients": 8,
        "images": 16,
        "seeds": 3,
        "protocol": "kfold",
        "rounds": 1,
        "scenarios": scenarios,
    }
    return summary | {"baselines": {"hi": make_baseline()}}


def make_baseline() -> dict:
    untested = {"t": None, "p": None, "p_holm": None}
    return {
        "auc_image": {"mean": 0.961, "sd": None, "ci95": [0.92, 0.99]},
        "auc_patient": {"mean": 0.977, "sd": None, "ci95": [0.94, 1.0]},
        "versus_real": versus(0.1, 0.04, 0.17) | untested,
        "versus_real_patient": versus(0.097, 0.01, 0.19) | untested,
    }


def make_verdict(gate: str) -> dict:
    expectations = [{"name": "ids are unique", "severity": "error", "pass": True, "observed": {"column": "image_id"}}]
    expectations[0] |= {"checked": 16, "failed_count": 0, "failing_rows": [], "todo": "rename them"}
    if gate == "scans":
        rows = [{"image_id": f"image{index:02d}", "pixel_hash": "ab" * 32} for index in range(2)]
        observed = {"column": "pixel_hash", "empty": 0, "distinct": 15}
        expectations.append(
            {"name": "pixels are unique", "severity": "warning", "pass": False, "observed": observed, "checked": 16}
            | {"failed_count": 6, "failing_rows": rows, "todo": "Look at <these> frames."}
        )
    return {"gate": gate, "data": "0" * 64, "suite": "1" * 64, "pass": True, "expectations": expectations}


def write_images(root: Path, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for patient in range(8):
        for frame in range(FRAMES):
            name = f"image{patient * FRAMES + frame:02d}"
            label = patient % 2
            pixels = picture(rng, label)
            write_image(root / "data/crops/images" / f"{name}.png", pixels)
            rows.append(
                {"image_id": name, "pixel_hash": pixel_hash(pixels), "path": f"images/{name}.png", "patient_id": f"p{patient}"}
                | {"label": label, "label_name": ("healthy", "nafld")[label], "frame": frame, "source": "test"}
            )
    return pd.DataFrame(rows)


def write_pool(root: Path, kind: str, fold: int, rng: np.random.Generator) -> None:
    pool, chosen = root / f"data/pools/{kind}/fold{fold}", root / f"data/selected/{kind}/fold{fold}"
    (pool / "images").mkdir(parents=True)
    chosen.mkdir(parents=True)
    ledger, selection = [], []
    for index in range(CANDIDATES):
        name = f"{kind}-f{fold}-{index:05d}"
        label = index % 2
        pixels = picture(rng, label)
        write_image(pool / "images" / f"{name}.png", pixels)
        ledger.append(
            {"image_id": name, "pixel_hash": pixel_hash(pixels), "file_sha256": "0", "path": f"images/{name}.png"}
            | {"label": label, "generator": kind, "fold": fold, "checkpoint": "c", "index": index, "batch": 0, "seed": index}
            | {"condition_image_id": None, "condition_seed": None, "sampler": "ddim", "steps": 2, "guidance_scale": 1.0}
        )
        selection.append(
            {"image_id": name, "label": label, "nearest_real_id": "image00", "nearest_real_distance": 0.25 + index / 100}
            | {"copy": index == 0, "kept": index != 0}
        )
    write_ledger(pool, pd.DataFrame(ledger))
    write_selection(chosen, pd.DataFrame(selection))


def write_plots(root: Path) -> None:
    (root / "plots").mkdir()
    rng = np.random.default_rng(3)
    aucs, curves = [], []
    for scenario, found in make_summary()["scenarios"].items():
        for seed, shift in enumerate((-0.012, 0.003, 0.009)):
            aucs.append((scenario, "resnet10t", seed, found["auc_image"]["mean"] + shift, found["auc_patient"]["mean"] + shift))
        power = 0.16 + 0.05 * rng.random()
        curves += [(scenario, x, x**power) for x in np.linspace(0, 1, 41)]
    columns = ["scenario", "backbone", "seed", "auc_image", "auc_patient"]
    pd.DataFrame(aucs, columns=columns).to_csv(root / "plots/auc.csv", index=False)
    pd.DataFrame(curves, columns=["scenario", "fpr", "tpr"]).to_csv(root / "plots/roc.csv", index=False)


def write_workspace(root: Path) -> Path:
    """A workspace of 8 patients, 2 folds and pools of both kinds, with the repository's own dvc.yaml and params.yaml."""
    rng = np.random.default_rng(1)
    for folder in ("data/scans", "data/crops/images", "data/folds"):
        (root / folder).mkdir(parents=True)
    manifest = write_images(root, rng)
    write_manifest(root / "data/scans", manifest)
    write_manifest(root / "data/crops", manifest)
    folds = []
    for fold in range(FOLDS):
        for row in manifest.itertuples():
            role = "test" if int(row.patient_id[1:]) // 2 % FOLDS == fold else "train"
            folds.append({"fold": fold, "image_id": row.image_id, "patient_id": row.patient_id, "role": role})
    write_folds(root / "data/folds/folds.csv", pd.DataFrame(folds))
    for kind in ("semantic", "class"):
        for fold in range(FOLDS):
            write_pool(root, kind, fold, rng)
    for gate in ("scans", "crops", "folds", "pools", "predictions"):
        write_json(root / f"metrics/quality/{gate}.json", make_verdict(gate))
    write_json(root / "metrics/summary.json", make_summary())
    write_plots(root)
    write_curve(root, make_runs())
    write_json(root / "metrics/fidelity.json", make_fidelity(FOLDS))
    write_explanations(root)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, root / name)
    return root


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_workspace(tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def workspace(pristine: Path, tmp_path: Path) -> Path:
    """A workspace that a test may change."""
    return Path(shutil.copytree(pristine, tmp_path / "workspace"))


@pytest.fixture
def params() -> Params:
    return load_params(ROOT / "params.yaml")


@pytest.fixture
def summary() -> dict:
    return make_summary()


@pytest.fixture
def with_dataset(params: Params) -> Callable[..., Params]:
    """The parameters with fields of `dataset` replaced."""
    return lambda **fields: params.model_copy(update={"dataset": params.dataset.model_copy(update=fields)})
