"""The study of explain_study.py, written anew for each test."""

from pathlib import Path

import pytest
import torch
from explain_study import write_study


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "study")
