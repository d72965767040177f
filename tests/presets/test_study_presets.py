"""Presets of another study than the main one: laid over its own parameters, in its own folder."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synthtrace.cli import app
from synthtrace.errors import InputError
from synthtrace.params import load_params
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.presets import apply_preset

PROJECT = Path(__file__).parents[2]
OWN = Path("studies/segmentation/params.yaml")


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    """A copy of both studies' parameters and of the presets."""
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    shutil.copytree(PROJECT / "presets", tmp_path / "presets")
    (tmp_path / OWN).parent.mkdir(parents=True)
    shutil.copy(PROJECT / OWN, tmp_path / OWN)
    monkeypatch.chdir(tmp_path)


def lay(text):
    Path("presets/toy.yaml").write_text(text)
    return apply_preset("toy")


def own():
    return load_params(OWN, SegmentationParams)


@pytest.mark.parametrize("name", ["cpu-polyp", "cpu-busi", "paper-polyp"])
def test_presets_of_the_study_are_accepted_and_leave_the_main_study_alone(name):
    main = Path("params.yaml").read_bytes()
    assert apply_preset(name)
    params = own()
    params.diffusion.sides(params.preprocess.image_size)
    assert Path("params.yaml").read_bytes() == main
    assert not {"study:", "over:"} & set(OWN.read_text().split())


def test_busi_differs_from_polypgen_in_data_split_and_channels_alone():
    apply_preset("cpu-polyp")
    polyp = own().model_dump()
    apply_preset("cpu-busi")
    busi = own().model_dump()
    assert {block for block in polyp if polyp[block] != busi[block]} == {"dataset", "preprocess", "split"}
    assert polyp["preprocess"] | {"channels": 1} == busi["preprocess"]


def test_the_papers_preset_holds_its_tables():
    apply_preset("paper-polyp")
    params = own()
    assert (params.diffusion.steps, params.diffusion.batch_size, params.diffusion.learning_rate) == (110000, 1, 1e-4)
    assert (params.inpainting.samples, params.inpainting.jump_length, params.inpainting.resamples) == (3, 10, 5)
    assert (params.style.steps, params.style.skip_timesteps) == (200, 80)
    assert list(params.style.weights.model_dump().values()) == [500, 100, 5000, 10000, 10000, 40000, 200]
    assert params.mixes.small_sets == [16, 32, 64, 128]


def test_values_change_and_everything_else_stays_to_the_byte():
    before = OWN.read_text().splitlines()
    changes = lay("study: segmentation\nstyle:\n  weights:\n    range: 150\n")
    assert [(change.parameter, change.before, change.after) for change in changes] == [("style.weights.range", 3, 150)]
    lines = [pair for pair in zip(before, OWN.read_text().splitlines(), strict=True) if pair[0] != pair[1]]
    assert lines == [("    range: 3", "    range: 150")]


def test_a_map_of_names_is_replaced_whole_and_the_blank_line_behind_it_stays():
    lay("study: segmentation\ngenerators:\n  styled:\n    other: full_diff\n")
    assert own().generators.styled == {"other": "full_diff"}
    assert "\n    other: full_diff\n\ndiffusion:" in OWN.read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "study: segmentation\nclusters:\n  cuont: 3\n",
            "unknown parameter 'clusters.cuont'; the nearest known one is",
        ),
        ("study: segmentation\nmixing_rate: 1.5\n", "unknown parameter 'mixing_rate'"),
        ("study: segmentation\npreprocess:\n  image_size: 30\n", "laid over studies/segmentation/params.yaml: diffusion"),
        ("study: segmentaton\nseed: 3\n", "no study is called 'segmentaton'; expected one of segmentation"),
        (
            "study: other\nover: cpu-polyp\nseed: 3\n",
            "lies over presets/cpu-polyp.yaml, which is of 'segmentation'",
        ),
        ("clusters:\n  count: 3\n", "unknown parameter 'clusters'"),
    ],
)
def test_what_is_refused_is_named_and_nothing_is_written(text, message):
    before = OWN.read_bytes(), Path("params.yaml").read_bytes()
    with pytest.raises(InputError, match=r"toy\.yaml") as refusal:
        lay(text)
    assert message in str(refusal.value)
    assert (OWN.read_bytes(), Path("params.yaml").read_bytes()) == before


def test_the_command_says_which_file_it_changed():
    Path("presets/toy.yaml").write_text("study: segmentation\nseed: 3\n")
    first, again = (CliRunner().invoke(app, ["preset", "toy"]) for _ in range(2))
    assert first.exit_code == again.exit_code == 0
    assert str(OWN) in first.output
    assert again.output == f"{OWN} already holds preset toy\n"
