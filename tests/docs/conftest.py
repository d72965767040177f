"""The page's generator, which is a script of docs/ and no part of the package."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="session")
def render() -> Callable[..., str]:
    sys.path.insert(0, str(DOCS))
    try:
        return runpy.run_path(str(DOCS / "make_results.py"))["render"]
    finally:
        sys.path.remove(str(DOCS))
