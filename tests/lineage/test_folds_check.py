"""What the check `folds` says, and of what; that it catches leaks is the campaign's to show."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from mutation import outcomes
from pipeline_clone import ROOT, Clone

from synthtrace.features.augment import alter
from synthtrace.images import read_image, write_image
from synthtrace.lineage.audit import audit
from synthtrace.lineage.checkpoints import upstream_checkpoints
from synthtrace.lineage.findings import Finding, Outcome
from synthtrace.lineage.rescans import search
from synthtrace.lineage.roles import sides
from synthtrace.lineage.study import Study
from synthtrace.preprocess.crops import fixed_crop, native_crop
from synthtrace.tables import read_folds, read_manifest, read_predictions, write_folds, write_predictions

BYRA = ROOT.parent / "shared" / "data" / "byra_liver_us_full"


@pytest.fixture
def clone(phantom: Clone, tmp_path: Path) -> Clone:
    return phantom.copied(tmp_path / "clone")


@pytest.fixture
def evidence(phantom: Clone, tmp_path: Path) -> Path:
    """What results/<name> keeps of a run, in a repository of its own."""
    (tmp_path / ".dvc").mkdir()
    folder = tmp_path / "results/small"
    for name in ("predictions", "curve"):
        shutil.copytree(phantom.folder / f"data/{name}", folder / name)
    for path in ("data/folds/folds.csv", "params.yaml", "dvc.yaml", "dvc.lock", "code.json"):
        shutil.copy(phantom.folder / path, folder)
    return folder


def audited(clone: Clone, **options: bool) -> Outcome:
    return outcomes(clone, ["folds"], **options)["folds"]


def judged(evidence: Path) -> list[Finding]:
    return next(iter(audit(Study(evidence, evidence=True), ["folds"]))).findings


def failures(findings: list[Finding]) -> str:
    return "\n".join(finding.message for finding in findings if finding.severity == "fail")


def test_it_says_how_near_is_too_near_and_what_that_catches(phantom: Clone) -> None:
    found = audited(phantom)
    assert found.status == "pass"
    assert "100% of lightly altered images lie within it" in found.findings[0].message


def test_fast_leaves_the_search_out_and_says_so(phantom: Clone) -> None:
    found = audited(phantom, fast=True)
    assert found.status == "pass"
    assert "not looked for (--fast)" in found.findings[0].message


def test_every_checkpoint_upstream_of_a_prediction_is_found_in_the_lock(phantom: Clone) -> None:
    study = Study(phantom.folder)
    found = {checkpoint.name: checkpoint.folds for checkpoint in upstream_checkpoints(study, sides(study))}
    models = ("features", "generators/class", "generators/semantic")
    own = {f"data/{model}/fold{fold}": {fold} for model in models for fold in (0, 1)}
    spaces = {f"data/autoencoders/fold{fold}/shared": {fold} for fold in (0, 1)}
    shared = ("autoencoders/pretrained/shared", "denoisers/class", "denoisers/semantic")
    assert found == own | spaces | {f"data/{model}": {0, 1} for model in shared}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fold": 1}, "trained for fold 1, but upstream of the predictions of fold 0"),
        ({"image_ids": [], "patient_ids": []}, "names no image that it was trained on"),
        ({"image_ids": [], "patient_ids": [], "fold": None}, "names no fold"),
        ({"patient_ids": []}, "patient_ids and the patients of image_ids differ"),
        ({"weights": {}}, "not among the weights that the card names"),
        ({"autoencoder": "0" * 64}, "is no checkpoint upstream of it"),
        ({"weights": None}, "expected 'weights' to be a JSON object"),
    ],
)
def test_a_card_that_does_not_speak_for_its_model_proves_nothing(clone: Clone, change: dict, message: str) -> None:
    path = clone.folder / "data/generators/semantic/fold0/card.json"
    card = json.loads(path.read_text()) | change
    path.unlink()
    path.write_text(json.dumps(card))
    found = failures(audited(clone, fast=True).findings)
    assert message in found
    assert str(path.relative_to(clone.folder)) in found or "safetensors" in found


def test_a_damaged_card_is_a_finding_and_leaves_the_rest_judged(clone: Clone) -> None:
    card, table = clone.folder / "data/features/fold1/card.json", clone.folder / "data/classifiers/real/training.parquet"
    for path in (card, table):
        path.unlink()
        path.write_text("{")
    found = failures(audited(clone, fast=True).findings)
    assert str(card) in found
    assert str(table) in found


def test_an_autoencoder_of_no_fold_may_have_seen_nobody_of_the_study(clone: Clone) -> None:
    scan = read_manifest(clone.folder / "data/scans").iloc[3]
    corpus = clone.folder / "data/unlabelled"
    path = corpus / pd.read_csv(corpus / "manifest.csv")["native_path"][0]
    path.unlink()
    shutil.copy(clone.folder / f"data/crops/native/{scan['image_id']}.png", path)
    found = failures(audited(clone, fast=True).findings)
    assert f"{scan['image_id']!r} of patient {scan['patient_id']!r} and 'data/unlabelled/native/" in found
    assert "hold the same pixels" in found


def test_evidence_is_judged_by_folds_and_predictions_alone(evidence: Path) -> None:
    assert judged(evidence) == []


def _train_on_tested(evidence: Path) -> None:
    folds = read_folds(evidence / "folds.csv")
    folds.loc[folds["fold"].eq(0) & folds["role"].eq("test") & ~folds["image_id"].duplicated(), "role"] = "train"
    write_folds(evidence / "folds.csv", folds)


def _other_patient(evidence: Path) -> None:
    folds = read_folds(evidence / "folds.csv")
    folds.loc[folds["image_id"] == folds["image_id"][0], "patient_id"] = folds["patient_id"].iloc[-1]
    write_folds(evidence / "folds.csv", folds)


def _two_patients(evidence: Path) -> None:
    folds = read_folds(evidence / "folds.csv")
    trains = folds.index[folds["role"] == "train"][0]
    folds.loc[trains, "patient_id"] = "somebody"
    write_folds(evidence / "folds.csv", folds)


def _curve_elsewhere(evidence: Path) -> None:
    path = evidence / "curve/class/predictions.parquet"
    table = pd.read_parquet(path)
    table["fold"] = 1 - table["fold"]
    table.to_parquet(path, index=False)


def _curve_not_at_all(evidence: Path) -> None:
    path = evidence / "curve/class/predictions.parquet"
    pd.read_parquet(path).iloc[1:].to_parquet(path, index=False)


def _other_label(evidence: Path) -> None:
    table = read_predictions(evidence / "predictions/class.parquet")
    table.loc[0, "label"] = 1 - table["label"][0]
    write_predictions(evidence / "predictions/class.parquet", table)


def _twice(evidence: Path) -> None:
    table = read_predictions(evidence / "predictions/real.parquet")
    write_predictions(evidence / "predictions/real.parquet", pd.concat([table, table.iloc[[0]]]))


def _not_at_all(evidence: Path) -> None:
    table = read_predictions(evidence / "predictions/real.parquet")
    write_predictions(evidence / "predictions/real.parquet", table.iloc[1:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_train_on_tested, "a training image of fold 0"),
        (_other_patient, "stands under patient"),
        (_two_patients, "has two patients"),
        (_other_label, "has label"),
        (_twice, "more than once"),
        (_not_at_all, "does not score"),
        (_curve_elsewhere, "curve/class/predictions.parquet: fold 0 scores"),
        (
            _curve_not_at_all,
            "test_resnet none, selection none, mode augment, mixing rate 0.5, seed 0 does not score",
        ),
    ],
)
def test_evidence_that_contradicts_itself_fails(evidence: Path, change: Callable[[Path], None], message: str) -> None:
    change(evidence)
    assert message in failures(judged(evidence))


def everyone(count: int) -> np.ndarray:
    return np.ones((count, count), dtype=bool)


def crops_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    manifest = read_manifest(folder)
    return np.stack([read_image(folder / path) for path in manifest["path"]])[:, None], manifest["patient_id"].to_numpy(
        dtype=str
    )


def test_a_whole_set_that_stands_there_twice_is_found(phantom: Clone) -> None:
    images, patients = crops_of(phantom.folder / "data/crops")
    altered = alter(torch.from_numpy(images).float(), torch.Generator().manual_seed(5)).round().byte().numpy()
    both = np.concatenate([images, altered])
    found = search(both, np.concatenate([patients, np.char.add("again-", patients)]), everyone(len(both)))
    assert found is not None
    assert set(found.pairs["one"]) == set(range(len(both)))


def test_images_on_one_side_are_not_compared(phantom: Clone) -> None:
    images, patients = crops_of(phantom.folder / "data/crops")
    assert search(images, patients, ~everyone(len(images))) is None
    assert search(images, np.repeat("one", len(images)), everyone(len(images))) is None


def test_real_patients_are_not_taken_for_one_another_though_six_pairs_of_frames_are_identical() -> None:
    if not BYRA.exists():
        pytest.skip(f"the fatty-liver set is not at {BYRA}")
    manifest = pd.read_csv(BYRA / "manifest.csv", dtype=str)
    chosen = manifest[manifest["patient_id"].isin(["P05", "P13", "P18", "P21", "P25", "P42", "P43"])]
    natives = [native_crop(read_image(BYRA / path, 1), 320, "sector") for path in chosen["file"]]
    images = np.stack([fixed_crop(native, 64) for native in natives])[:, None]
    patients = chosen["patient_id"].to_numpy(dtype=str)
    found = search(images, patients, everyone(len(images)))
    assert found is not None
    assert found.pairs.empty
    assert found.caught == 1
    within_patients = search(images, np.arange(len(images)).astype(str), everyone(len(images)))
    assert within_patients is not None
    assert (within_patients.pairs["distance"] < 1e-6).sum() >= 12


def test_a_small_picture_with_nothing_in_it_is_nobodys_double(tmp_path: Path) -> None:
    write_image(tmp_path / "black.png", np.zeros((32, 32), dtype=np.uint8))
    images = np.stack([read_image(tmp_path / "black.png")] * 4)[:, None]
    found = search(images, np.array(["a", "b", "c", "d"]), everyone(4))
    assert found is not None
    assert found.pairs.empty
