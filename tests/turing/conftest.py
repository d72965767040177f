"""One small study and one test built from it, for all tests here."""

from pathlib import Path

import pytest
from reader_server import BROWSER, QUIET
from reader_study import make_study, parameters

from synthtrace.params import Params
from synthtrace.turing.build import build


@pytest.fixture(scope="session")
def params() -> Params:
    return parameters(real=[2, 3], synthetic=[1, 2])


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Path:
    root = tmp_path_factory.mktemp("turing-study")
    make_study(root, params)
    return root


@pytest.fixture
def built(study: Path, params: Params, tmp_path: Path) -> Path:
    """A fresh test: 5 real and 6 synthetic images."""
    build(study, tmp_path / "test", params)
    return tmp_path / "test"


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BROWSER, args=QUIET)
        yield running
        running.close()
