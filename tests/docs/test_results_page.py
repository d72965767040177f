"""The figures in docs/results.md are those of the committed evidence."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_evidence_gives() -> None:
    if not (ROOT / "results").exists():
        pytest.skip("no evidence is committed yet")
    make = runpy.run_path(str(ROOT / "docs" / "make_results.py"))
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert "<!-- begin " in page
    assert make["render"](page) == page
