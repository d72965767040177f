"""The stage `pretrain_denoiser`: what it trains, and when there is nothing to do."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.generators import unlabelled
from synthtrace.images import write_image

ROOT = Path(__file__).parents[2]


@pytest.fixture
def study(tmp_path: Path, autoencoder_folder: Path) -> Path:
    """Two unlabelled images, and a pre-trained latent space."""
    (tmp_path / "data/unlabelled/native").mkdir(parents=True)
    rows = []
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40), dtype=np.uint8)
        write_image(tmp_path / f"data/unlabelled/native/u{number}.png", pixels)
        row = {"image_id": f"u{number}", "patient_id": f"P{number}", "source": "corpus"}
        rows.append(row | {"native_path": f"native/u{number}.png"})
    pd.DataFrame(rows).to_csv(tmp_path / "data/unlabelled/manifest.csv", index=False)
    (tmp_path / "data/autoencoders/pretrained").mkdir(parents=True)
    (tmp_path / "data/autoencoders/pretrained/shared").symlink_to(autoencoder_folder)
    return tmp_path


def denoiser(study: Path, kind: str, mode: str) -> dict[str, Any]:
    """The card of a kind's denoiser; the stage's record tells which modules it loaded."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["preprocess"].update(image_size=16, crop_size=40)
    tree["autoencoder"].update(mode=mode, channels=[8, 8])
    tree["generator"].update(channels=[8, 16], steps=2, batch_size=4)
    (study / "params.yaml").write_text(yaml.safe_dump(tree))
    environment = {**os.environ, "WANDB_MODE": "disabled", "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "stages/pretrain_denoiser.py"), "--kind", kind]
    result = subprocess.run(command, cwd=study, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return read_card(study / f"data/denoisers/{kind}")


def test_a_guided_kind_gets_a_denoiser_of_the_unlabelled_images(study: Path) -> None:
    card = denoiser(study, "guided", "decoder")
    assert (card["kind"], card["steps"], card["image_ids"]) == ("denoiser", 2, ["u0", "u1"])
    assert card["patient_ids"] == ["P0", "P1"]
    assert card["autoencoder"] == checkpoint_digest(study / "data/autoencoders/pretrained/shared")


@pytest.mark.parametrize(("kind", "mode"), [("unet", "decoder"), ("guided", "scratch")])
def test_where_none_is_wanted_the_card_says_so_and_nothing_heavy_is_loaded(study: Path, kind: str, mode: str) -> None:
    card = denoiser(study, kind, mode)
    assert card == {"kind": "none", "patient_ids": [], "image_ids": [], "weights": {}}
    (record,) = (study / f"records/pretrain_denoiser@{kind}").iterdir()
    assert not [source for source in json.loads(record.read_text())["sources"] if "synthtrace/generators/" in source]


def test_images_too_many_for_memory_are_read_as_they_are_wanted(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, _ = unlabelled.unlabelled_images(study / "data/unlabelled", 3)
    monkeypatch.setattr(unlabelled, "HELD", held.images[0].nbytes)
    read, manifest = unlabelled.unlabelled_images(study / "data/unlabelled", 3)
    assert (isinstance(held.images, np.ndarray), isinstance(read.images, np.ndarray)) == (True, False)
    assert len(read.images) == len(manifest) == 2
    assert all(np.array_equal(one, other) for one, other in zip(held.images, read.images, strict=True))
