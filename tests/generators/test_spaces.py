"""Which latent spaces there are, and that each is made."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from synthtrace import compute
from synthtrace.cards import read_card
from synthtrace.errors import InputError
from synthtrace.generators import autoencoder
from synthtrace.generators.spaces import spaces
from synthtrace.generators.train_autoencoder import take_autoencoder
from synthtrace.params import KINDS, LatentSpace, Params

ROOT = Path(__file__).parents[2]
OWN = LatentSpace(pretrained=None, channels=[8, 8, 8], latent_channels=3)


@pytest.mark.parametrize(
    ("own", "expected"),
    [([], ["shared"]), (["class"], ["class", "shared"]), (list(KINDS), sorted(KINDS))],
)
def test_a_kind_has_its_own_space_or_the_shared_one(params: Params, own: list[str], expected: list[str]) -> None:
    settings = params.autoencoder.model_copy(update={"kinds": dict.fromkeys(own, OWN)})
    assert spaces(settings) == expected


def test_a_given_autoencoder_becomes_the_checkpoint_of_its_space(
    tmp_path: Path, params: Params, autoencoder_folder: Path
) -> None:
    take_autoencoder(str(autoencoder_folder), params, "class", tmp_path / "class")
    card = read_card(tmp_path / "class")
    assert (card["space"], card["taken_from"], card["image_ids"]) == ("class", str(autoencoder_folder), [])
    assert list(card["weights"].values()) == list(read_card(autoencoder_folder)["weights"].values())


def test_a_given_autoencoder_that_does_not_fit_is_refused(tmp_path: Path, params: Params) -> None:
    model = autoencoder.build(params.autoencoder.model_copy(update={"channels": [8] * 5}), 16, 1)
    model.save_pretrained(tmp_path / "deep")
    with pytest.raises(InputError, match=r"preprocess.image_size must be a multiple of 32; found 16"):
        take_autoencoder(str(tmp_path / "deep"), params, "shared", tmp_path / "out")


def test_the_stages_make_every_space(tmp_path: Path, autoencoder_folder: Path, params: Params) -> None:
    """A shared space that is taken as it is, and one of a kind's own that is trained on unlabelled images."""
    from synthtrace.images import write_image

    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["preprocess"].update(image_size=16, crop_size=40)
    tree["generator"].update(channels=[8, 16])
    tree["autoencoder"].update(pretrained=str(autoencoder_folder), steps=1, batch_size=2)
    tree["autoencoder"]["kinds"] = {"class": OWN.model_dump()}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree))
    corpus = tmp_path / "data/unlabelled"
    (corpus / "native").mkdir(parents=True)
    rows = []
    for number in range(2):
        pixels = torch.randint(1, 256, (40, 40), generator=compute.generator(number)).byte().numpy()
        write_image(corpus / f"native/U{number}.png", pixels)
        row = {"image_id": f"U{number}", "patient_id": f"U{number}", "source": "corpus"}
        rows.append(row | {"native_path": f"native/U{number}.png"})
    pd.DataFrame(rows).to_csv(corpus / "manifest.csv", index=False)
    for script in (["pretrain.py"], ["autoencoder.py", "--fold", "3"]):
        command = [sys.executable, str(ROOT / "stages" / script[0]), *script[1:]]
        result = subprocess.run(command, cwd=tmp_path, env=silent(), capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
    made = tmp_path / "data/autoencoders"
    assert sorted(path.relative_to(made).as_posix() for path in made.rglob("card.json")) == [
        "fold3/class/card.json",
        "fold3/shared/card.json",
        "pretrained/class/card.json",
        "pretrained/shared/card.json",
    ]
    own = json.loads((made / "fold3/class/card.json").read_text())
    assert (own["image_ids"], own["params"]["latent_channels"]) == (["U0", "U1"], 3)
    assert autoencoder.load(made / "fold3/class").config["latent_channels"] == 3
    assert autoencoder.load(made / "fold3/shared").config["latent_channels"] == 4


def silent() -> dict[str, str]:
    """This process's variables, with Weights & Biases off."""
    return {**os.environ, "WANDB_MODE": "disabled", "PYTHONPATH": str(ROOT / "src")}


def test_a_cpu_trains_in_float32_whatever_is_asked_for() -> None:
    assert compute.precision("bfloat16", torch.device("cpu")) == "float32"
    assert compute.precision("bfloat16", torch.device("cuda")) == "bfloat16"
    assert compute.precision("float32", torch.device("cuda")) == "float32"
