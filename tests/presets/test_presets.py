"""`synthtrace preset`: what is laid over params.yaml, and what is refused."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synthtrace.cli import app
from synthtrace.errors import InputError
from synthtrace.params import load_params
from synthtrace.presets import apply_preset

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def lay(tmp_path, monkeypatch):
    """Lay a preset of this text over a copy of the project's params.yaml."""
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    (tmp_path / "presets").mkdir()
    monkeypatch.chdir(tmp_path)

    def run(text):
        Path("presets/toy.yaml").write_text(text)
        return apply_preset("toy")

    return run


def test_values_change_and_everything_else_stays_to_the_byte(lay):
    before = Path("params.yaml").read_text()
    changes = lay("mixing_rate: 1.5\nclassifier:\n  steps: 41\n")
    assert [change.parameter for change in changes] == ["mixing_rate", "classifier.steps"]
    after = Path("params.yaml").read_text()
    lines = [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]
    assert len(lines) == 2
    assert lines[0][1].startswith("mixing_rate: 1.5")
    assert lines[0][1].endswith("# " + lines[0][0].partition("# ")[2])
    assert load_params().classifier.steps == 41


def test_lists_are_replaced_whole_in_block_style_and_blank_lines_stay(lay):
    lay("split: {folds: [0, 1]}\ndataset: {labels: [benign, malignant]}\nturing: {synthetic: [1, 2]}\n")
    text = Path("params.yaml").read_text()
    assert "  folds:\n    - 0\n    - 1\n  repeats:" in text
    assert "  synthetic:                  # of each kind\n    - 1\n    - 2\n\nreport:" in text
    assert "    - benign\n    - malignant\n  patient_ids:" in text
    assert load_params().split.folds == [0, 1]


def test_nulls_and_small_numbers_survive(lay):
    lay("autoencoder:\n  learning_rate: 1.0e-4\n  pretrained: some/folder\nclassifier:\n  weights: null\n")
    params = load_params()
    assert params.autoencoder.learning_rate == pytest.approx(1e-4)
    assert params.autoencoder.pretrained == "some/folder"
    assert "pretrained: some/folder" in Path("params.yaml").read_text()


def test_a_preset_laid_twice_changes_nothing_more(lay):
    text = "mixing_rate: 0.5\n"
    lay(text)
    written = Path("params.yaml").read_text()
    assert lay(text) == []
    assert Path("params.yaml").read_text() == written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clasifier:\n  steps: 3\n", "unknown parameter 'clasifier'; the nearest known one is 'classifier'"),
        ("classifier:\n  step: 3\n", "unknown parameter 'classifier.step'; the nearest known one is 'classifier.steps'"),
        ("mixing_rate:\n  high: 3\n", "mixing_rate"),
        ("mixing_rate: 11\n", "mixing_rate"),
        ("split:\n  folds: none\n", "split.folds"),
        ("split: 3\n", "split"),
        ("- 3\n", "expected blocks of parameters"),
        ("seed: [\n", "not valid YAML"),
    ],
)
def test_what_is_refused_is_named_and_nothing_is_written(lay, text, message):
    before = Path("params.yaml").read_bytes()
    with pytest.raises(InputError, match=r"toy\.yaml") as refusal:
        lay(text)
    assert message in str(refusal.value)
    assert Path("params.yaml").read_bytes() == before


def test_an_unknown_preset_lists_those_there_are(lay):
    lay("seed: 3\n")
    with pytest.raises(InputError, match="no such preset; presets/ holds toy"):
        apply_preset("toi")


def test_the_command_shows_parameter_before_and_after(lay):
    lay("seed: 3\n")
    Path("presets/other.yaml").write_text("seed: 4\nsplit: {folds: [0, 1]}\n")
    result = CliRunner().invoke(app, ["preset", "other"])
    assert result.exit_code == 0
    seed, folds = (line for line in result.output.splitlines() if "seed" in line or "split.folds" in line)
    assert [cell.strip() for cell in seed.split("│")[1:4]] == ["seed", "3", "4"]
    assert [cell.strip() for cell in folds.split("│")[1:4]] == ["split.folds", "[0, 1, 2, 3, 4]", "[0, 1]"]


def test_the_command_refuses_in_one_sentence(lay):
    lay("seed: 3\n")
    result = CliRunner().invoke(app, ["preset", "nothing"])
    assert result.exit_code == 1
    assert result.stderr == "error: presets/nothing.yaml: no such preset; presets/ holds toy\n"


@pytest.mark.parametrize("preset", sorted((PROJECT / "presets").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_preset_of_the_project_is_accepted(lay, preset):
    for file in preset.parent.glob("*.yaml"):
        shutil.copy(file, "presets")
    Path("studies/segmentation").mkdir(parents=True)
    shutil.copy(PROJECT / "studies/segmentation/params.yaml", "studies/segmentation")
    lay(preset.read_text())


def test_a_preset_may_lie_over_another(lay):
    Path("presets/below.yaml").write_text("mixing_rate: 1.5\nclassifier:\n  steps: 41\n")
    changes = lay("over: below\nclassifier:\n  steps: 42\n")
    assert [change.parameter for change in changes] == ["mixing_rate", "classifier.steps", "classifier.steps"]
    params = load_params()
    assert (params.mixing_rate, params.classifier.steps) == (1.5, 42)
    assert "\nover:" not in Path("params.yaml").read_text()


def test_a_preset_over_itself_or_over_none_is_one_sentence(lay):
    with pytest.raises(InputError, match=r"toy.yaml: lies over itself; expected `over` to name another preset"):
        lay("over: toy\n")
    with pytest.raises(InputError, match=r"presets/nowhere.yaml: no such preset; presets/ holds toy"):
        lay("over: nowhere\n")
