"""Unlabelled images: which are gathered, how they are called and cropped, and what is refused."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from synthtrace.errors import InputError
from synthtrace.images import read_image, write_image
from synthtrace.params import Preprocess
from synthtrace.preprocess.unlabelled import UNLABELLED, corpus, unused, write_unlabelled

ROOT = Path(__file__).parents[2]
WHOLE = Preprocess(region="whole", crop_size=16, image_size=16, channels=1)


def silent(items: Iterable[int], description: str) -> Iterable[int]:
    return items


def image(path: Path, value: int) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(value).integers(0, 256, (20, 20), dtype=np.uint8)
    write_image(path, pixels)
    return pixels


def table(folder: Path, **columns: list) -> None:
    pd.DataFrame(columns).to_csv(folder / "manifest.csv", index=False)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Crops of six images in two folds: 0 is trained on in fold 0, 1 in fold 1; 2 is val, 3 test; 4 and 5 are never used."""
    crops = tmp_path / "data/crops"
    for number in range(6):
        image(crops / f"native/i{number}.png", 100 + number)
    names = [f"i{number}" for number in range(6)]
    rows = {"image_id": names, "pixel_hash": "x", "path": [f"images/{name}.png" for name in names], "patient_id": names}
    rows |= {"label": 0, "label_name": "a", "frame": 1, "source": "ours"}
    pd.DataFrame(rows | {"native_path": [f"native/{name}.png" for name in names]}).to_csv(crops / "manifest.csv", index=False)
    roles = [["train", "unused", "val", "test", "unused", "unused"], ["unused", "train", "val", "test", "unused", "unused"]]
    folds = [
        {"fold": fold, "image_id": name, "patient_id": name, "role": role}
        for fold in (0, 1)
        for name, role in zip(names, roles[fold], strict=True)
    ]
    (tmp_path / "data/folds").mkdir()
    pd.DataFrame(folds).to_csv(tmp_path / "data/folds/folds.csv", index=False)
    return tmp_path


def gather(study: Path, **pretraining: object) -> subprocess.CompletedProcess[str]:
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["preprocess"].update(region="whole", image_size=16, crop_size=16)
    tree["generator"]["channels"] = [8, 16]
    tree["split"]["protocol"] = "subsets"
    tree["pretraining"].update(pretraining)
    (study / "params.yaml").write_text(yaml.safe_dump(tree))
    command = [sys.executable, str(ROOT / "stages/gather.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, cwd=study, env=environment, capture_output=True, text=True, check=False)


def test_exactly_the_images_that_no_fold_uses_join_the_corpus(study: Path) -> None:
    image(study / "corpus/deep/u1.png", 1)
    table(study / "corpus", path=["deep/u1.png"], patient_id=["P9"])
    result = gather(study, path="corpus", unused=True)
    assert result.returncode == 0, result.stderr
    manifest = pd.read_csv(study / "data/unlabelled/manifest.csv")
    assert manifest.columns.tolist() == UNLABELLED
    assert manifest.to_numpy().tolist() == [
        ["u1", "P9", "corpus", "native/u1.png"],
        ["i4", "i4", "unused images of ours", "native/i4.png"],
        ["i5", "i5", "unused images of ours", "native/i5.png"],
    ]
    own, copied = study / "data/crops/native/i4.png", study / "data/unlabelled/native/i4.png"
    assert own.read_bytes() == copied.read_bytes()
    assert len(list((study / "data/unlabelled/native").iterdir())) == 3


def test_no_image_of_the_study_is_gathered_unasked_and_a_corpus_may_be_empty(study: Path) -> None:
    (study / "corpus").mkdir()
    table(study / "corpus", path=[], patient_id=[])
    assert gather(study, path="corpus", unused=False).returncode == 0
    assert (study / "data/unlabelled/manifest.csv").read_text() == ",".join(UNLABELLED) + "\n"


def test_pre_training_without_an_image_is_refused(study: Path) -> None:
    (study / "corpus").mkdir()
    table(study / "corpus", path=[])
    gather(study, path="corpus", unused=False)
    command = [sys.executable, str(ROOT / "stages/pretrain.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    result = subprocess.run(command, cwd=study, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "there is no unlabelled image to pre-train on; expected some at pretraining.path" in result.stderr


def test_an_image_used_by_one_fold_is_not_unused() -> None:
    crops = pd.DataFrame({"image_id": ["a", "b", "c"], "source": "s"})
    folds = pd.DataFrame({"image_id": ["a", "a", "b", "b"], "role": ["unused", "test", "unused", "unused"]})
    assert unused(crops, folds)["image_id"].tolist() == ["b"]  # c stands in no fold: nobody knows its role


def test_images_are_cropped_as_the_study_is(tmp_path: Path) -> None:
    pixels = image(tmp_path / "corpus/s/u.png", 1)
    nobody = pd.DataFrame({"image_id": [], "patient_id": [], "source": [], "native_path": []}, dtype="str")
    write_unlabelled(tmp_path / "out", tmp_path / "corpus", nobody, tmp_path, WHOLE, silent)
    assert np.array_equal(read_image(tmp_path / "out/native/u.png"), pixels[2:18, 2:18])
    colour = WHOLE.model_copy(update={"channels": 3})
    write_unlabelled(tmp_path / "colour", tmp_path / "corpus", nobody, tmp_path, colour, silent)
    assert read_image(tmp_path / "colour/native/u.png").shape == (16, 16, 3)


def test_a_sub_folder_is_a_source_and_its_images_are_patients_of_their_own(tmp_path: Path) -> None:
    for path in ("b/x.png", "b/deep/x.jpg", "a/z.png"):
        image(tmp_path / path, 1)
    found = corpus(tmp_path)
    assert found["source"].tolist() == ["a", "b", "b"]
    # two files are called x: all are called after their paths
    assert found["image_id"].tolist() == ["a_z", "b_deep_x", "b_x"] == found["patient_id"].tolist()


def test_a_manifest_names_patients_and_sources_where_it_knows_them(tmp_path: Path) -> None:
    table(tmp_path, path=["a.png", "b.png"], patient_id=["007", None], source=[None, "hospital"])
    found = corpus(tmp_path)
    assert found["patient_id"].tolist() == ["007", "b"]
    assert found["source"].tolist() == [tmp_path.name, "hospital"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"file": ["a.png"]}, "missing column 'path'; it has file"),
        ({"path": ["a.png", None], "n": [1, 2]}, "row 3 names no image file"),
        ({"path": ["../a.png"]}, r"row 2 names '../a.png'; expected a path inside"),
        ({"path": ["a.png", "a.png"]}, "two images are called 'a'"),
    ],
)
def test_a_manifest_that_cannot_be_followed_is_refused(tmp_path: Path, columns: dict[str, list], message: str) -> None:
    table(tmp_path, **columns)
    with pytest.raises(InputError, match=message):
        corpus(tmp_path)


def test_a_missing_folder_a_loose_image_and_an_unreadable_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pretraining.path: .*nowhere is no folder"):
        corpus(tmp_path / "nowhere")
    image(tmp_path / "corpus/loose.png", 1)
    with pytest.raises(InputError, match=r"loose.png: an image outside the sources"):
        corpus(tmp_path / "corpus")
    table(tmp_path / "corpus", path=["loose.png", "broken.png"])
    (tmp_path / "corpus/broken.png").write_bytes(b"no image")
    nobody = pd.DataFrame({"image_id": [], "patient_id": [], "source": [], "native_path": []}, dtype="str")
    with pytest.raises(InputError, match=r"broken.png: not a readable image"):
        write_unlabelled(tmp_path / "out", tmp_path / "corpus", nobody, tmp_path, WHOLE, silent)
