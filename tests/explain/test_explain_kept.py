"""The kept classifier explained, and the stage that does it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from explain_study import ROOT, params, pictures, tree, write_study

from synthtrace import backbones, compute
from synthtrace.cards import write_card
from synthtrace.explain.figures import from_explanations, write_explanations
from synthtrace.explain.kept import explain_kept
from synthtrace.explain.subjects import Subjects, choose
from synthtrace.images import load_stack

CPU = torch.device("cpu")


def explained(study: Path, out: Path, channels: int = 1) -> dict[str, bytes]:
    settings = params(channels)
    subjects = choose(study, "class", settings)
    table, values = explain_kept(study / "data/classifiers/class", "class", subjects, settings, CPU)
    write_explanations(out, table, values, subjects.images)
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_study_gives_the_same_bytes(tmp_path: Path, channels: int) -> None:
    study = write_study(tmp_path / "study", channels)
    first = explained(study, tmp_path / "first", channels)
    np.random.seed(3)
    torch.manual_seed(3)
    assert explained(study, tmp_path / "second", channels) == first
    assert np.load(tmp_path / "first/values.npy").shape == (8, channels, 32, 32)


def test_an_images_values_do_not_depend_on_what_else_is_explained(study: Path) -> None:
    few, more = params(images=1), params(images=2)
    results = {}
    for settings in (few, more):
        subjects = choose(study, "class", settings)
        table, values = explain_kept(study / "data/classifiers/class", "class", subjects, settings, CPU)
        results[settings.explain.images] = dict(zip(table["image_id"], values, strict=True))
    assert len(results[1]) == 4
    assert all(np.array_equal(results[2][image_id], values) for image_id, values in results[1].items())


def test_of_two_classes_the_second_is_explained_and_of_more_each_images_own(study: Path, tmp_path: Path) -> None:
    settings = params()
    subjects = choose(study, "class", settings)
    table, _ = explain_kept(study / "data/classifiers/class", "class", subjects, settings, CPU)
    model = backbones.load(study / "data/classifiers/class", CPU)
    predicted = backbones.predict(model, torch.from_numpy(subjects.images))[:, 1]
    assert (table["explained"] == 1).all()
    assert table["probability"].tolist() == predicted.tolist()
    # with two classes the margin is the log-odds
    assert np.allclose(table["margin"], np.log(predicted / (1 - predicted)), atol=1e-5)

    compute.seed_everything(0)
    backbones.save(tmp_path / "three", backbones.create("test_resnet", 3, 1), "test_resnet", 3, 1)
    write_card(tmp_path / "three", backbone="test_resnet", fold=0, seed_index=0)
    of_three = pd.DataFrame({"image_id": list("abc"), "source": "real", "label": [2, 0, 1], "label_name": list("zxy")})
    some = Subjects(of_three, pictures(3, 1, 5), pictures(2, 1, 6), [])
    table, _ = explain_kept(tmp_path / "three", "class", some, settings, CPU)
    assert table["explained"].tolist() == [2, 0, 1]


def test_the_stage_writes_explanations_and_their_figures(study: Path) -> None:
    (study / "params.yaml").write_text(yaml.safe_dump(tree(images=1, background=40)))
    command = [sys.executable, str(ROOT / "stages" / "explain.py"), "--kind", "class"]
    result = subprocess.run(command, cwd=study, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "4 images, 12 of background, classifier of class" in result.stdout
    assert "fold 1 offers 12 training images as background; asked for 40" in result.stdout
    folder = study / "data/explanations"
    figures = json.loads((study / "metrics/explain.json").read_text())
    assert figures == from_explanations(folder)
    assert (figures["scenario"], figures["fold"], figures["background"], figures["samples"]) == ("class", 1, 12, 12)
    files = [folder / "images" / f"{image['image_id']}.png" for image in figures["images"]]
    assert load_stack(files, 1).shape == np.load(folder / "values.npy").shape == (4, 1, 32, 32)
