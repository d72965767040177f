"""docs/extending.md, done as it says: one file, one line and a block make a family that trains and is drawn from."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from synthtrace.cards import read_card
from synthtrace.fingerprint import fingerprints
from synthtrace.images import read_image
from synthtrace.tables import read_ledger

ROOT = Path(__file__).parents[2]
FILE, LINE, SETTINGS, SETTING, VALUES = re.findall(
    r"^```\w+\n(.*?)^```", (ROOT / "docs/extending.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


def put(path: Path, before: str, text: str) -> None:
    """Insert a text before the only line that starts so."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    (place,) = (number for number, line in enumerate(lines) if line.startswith(before))
    path.write_text("".join([*lines[:place], text, *lines[place:]]), encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's code and parameters."""
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("params.yaml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def add_code(project: Path) -> None:
    """The file and its line in the registry."""
    (project / "src/synthtrace/generators/average.py").write_text(FILE, encoding="utf-8")
    registry = project / "src/synthtrace/generators/registry.py"
    put(registry, '    "class": ', LINE)


def add_parameters(project: Path) -> None:
    """The block: its class, its line in SETTINGS, its values."""
    generators = project / "src/synthtrace/params/generators.py"
    put(generators, "# every kind of generator", SETTINGS + "\n\n")
    put(generators, '    "class": ', SETTING)
    put(project / "params.yaml", "  class: ", VALUES)


def stage(project: Path, script: str, *arguments: str) -> None:
    """Run a stage's script with the copy's code."""
    environment = {**os.environ, "WANDB_MODE": "disabled", "PYTHONPATH": str(project / "src")}
    command = [sys.executable, f"stages/{script}.py", *arguments]
    result = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def of_kinds(digests: dict[str, Any]) -> dict[str, str]:
    """Digests of what is trained and drawn, by stage and kind."""
    return {f"{name}.{kind}": digests[name][kind] for name in ("train_generator", "sample") for kind in digests[name]}


def test_the_file_and_its_line_give_the_family_digests_of_its_own_and_change_no_other(project: Path) -> None:
    before = fingerprints(project)
    add_code(project)
    after = fingerprints(project)
    new = {"train_generator.average", "sample.average"}
    assert of_kinds(after).keys() - of_kinds(before).keys() == new
    assert {name: value for name, value in of_kinds(after).items() if name not in new} == of_kinds(before)
    assert after["classify"] == before["classify"]
    path = project / "src/synthtrace/generators/average.py"
    path.write_text(FILE.replace("settings.noise *", "2 * settings.noise *"), encoding="utf-8")
    again = of_kinds(fingerprints(project))
    assert {name for name, value in of_kinds(after).items() if again[name] != value} == new


def test_the_family_of_the_document_trains_and_a_pool_is_drawn_from_it(project: Path) -> None:
    add_code(project)
    add_parameters(project)
    tree: dict[str, Any] = yaml.safe_load((project / "params.yaml").read_text())
    assert tree["families"]["average"] == {"noise": 1.0}
    tree["preprocess"].update(image_size=16, crop_size=24)
    tree["generator"]["kinds"] = ["average"]
    tree["sample"].update(images=6, batch_size=4)
    for run in tree["curve"]["runs"]:
        run["scenarios"] = ["traditional", "average"]
    (project / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    write_crops(project)
    stage(project, "train_generator", "--kind", "average", "--fold", "0")
    card = read_card(project / "data/generators/average/fold0")
    assert (card["kind"], card["family"], len(card["image_ids"])) == ("average", {"noise": 1.0}, 8)
    stage(project, "sample", "--kind", "average", "--fold", "0")
    pool = project / "data/pools/average/fold0"
    ledger = read_ledger(pool)
    assert ledger["sampler"].unique().tolist() == ["average"]
    means = [read_image(pool / path).mean() for path in ledger["path"]]
    assert np.abs(np.array(means) - np.where(ledger["label"] == 1, 180, 70)).max() < 10


def write_crops(project: Path) -> None:
    """Crops of eight patients, dark or bright with the label, all for training in fold 0."""
    from synthtrace.images import write_image

    rows, folds = [], []
    for number in range(8):
        label = number % 2
        noise = np.random.default_rng(number).normal(0, 20, (24, 24))
        pixels = (noise + (180 if label else 70)).clip(0, 255).astype(np.uint8)
        row = {"image_id": f"i{number}", "pixel_hash": "x", "path": "x", "patient_id": f"P{number}", "label": label}
        for column, folder, image in (("native_path", "native", pixels), ("map_path", "maps", pixels // 52)):
            path = project / "data/crops" / folder / f"i{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, image)
            row[column] = f"{folder}/i{number}.png"
        rows.append(row | {"label_name": str(label), "frame": 1, "source": "test"})
        folds.append({"fold": 0, "image_id": f"i{number}", "patient_id": f"P{number}", "role": "train"})
    pd.DataFrame(rows).to_csv(project / "data/crops/manifest.csv", index=False)
    for folder in ("data/folds", "data/autoencoders/fold0", "data/denoisers/average"):
        (project / folder).mkdir(parents=True)
    pd.DataFrame(folds).to_csv(project / "data/folds/folds.csv", index=False)
