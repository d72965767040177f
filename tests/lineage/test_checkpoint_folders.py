"""Which folders of an output are checkpoints: no weights escape a judgement of what they saw."""

from pathlib import Path

import pytest

from synthtrace.cards import CARD
from synthtrace.lineage.checkpoints import checkpoint_folders
from synthtrace.lineage.study import Study

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([CARD, WEIGHTS], ["data/x"]),
        ([CARD, f"unet/{WEIGHTS}", f"embedding/{WEIGHTS}"], ["data/x"]),
        ([f"shared/{CARD}", f"shared/{WEIGHTS}", f"class/{CARD}"], ["data/x/class", "data/x/shared"]),
        # a card that was taken away does not hide the weights that it spoke for
        ([f"shared/{CARD}", f"shared/{WEIGHTS}", f"class/{WEIGHTS}"], ["data/x/class", "data/x/shared"]),
        ([f"shared/{CARD}", WEIGHTS], ["data/x", "data/x/shared"]),
        ([f"unet/{WEIGHTS}"], ["data/x"]),
        (["images/a.png", "manifest.csv"], []),
    ],
)
def test_every_folder_with_a_card_or_weights_is_a_checkpoint(tmp_path: Path, files: list[str], expected: list[str]) -> None:
    for name in files:
        path = tmp_path / "data/x" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    assert checkpoint_folders(Study(tmp_path), "data/x") == expected
