"""The campaign's cases and its study; a pipeline of seconds, run once and copied for each test that changes it."""

import shutil
from pathlib import Path

import pytest
from mutations import all_mutations
from pipeline_clone import Clone
from toy import build


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "mutation" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-variant")
        cases = [(one, seed) for one in all_mutations() for seed in range(one.variants if every else 1)]
        names = [f"{one.check}: {one.name} #{seed}" for one, seed in cases]
        metafunc.parametrize(("mutation", "seed"), cases, ids=names)


@pytest.fixture(scope="session")
def campaigned(request: pytest.FixtureRequest) -> Clone:
    """The study that mutations are tried on: `--study`."""
    clone: Clone = request.getfixturevalue(request.config.getoption("--study"))
    return clone


@pytest.fixture(scope="session")
def finished_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("toy") / "study")


@pytest.fixture
def toy(finished_toy: Path, tmp_path: Path) -> Path:
    """The folder of a finished toy study, to be changed at will."""
    shutil.copytree(finished_toy, tmp_path / "study")
    shutil.copy(finished_toy.parent / "outside.csv", tmp_path)
    return tmp_path / "study"
