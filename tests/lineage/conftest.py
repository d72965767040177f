"""A pipeline of seconds, run once and copied for each test that changes it."""

import shutil
from pathlib import Path

import pytest
from toy import build


@pytest.fixture(scope="session")
def finished_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("toy") / "study")


@pytest.fixture
def toy(finished_toy: Path, tmp_path: Path) -> Path:
    """The folder of a finished toy study, to be changed at will."""
    shutil.copytree(finished_toy, tmp_path / "study")
    shutil.copy(finished_toy.parent / "outside.csv", tmp_path)
    return tmp_path / "study"
