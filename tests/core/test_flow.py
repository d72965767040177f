"""The package's folders follow the flow of the data: none imports one further down."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "synthtrace"
FLOW = [
    "scans",
    "preprocess",
    "folds",
    "quality",
    "features",
    "generators",
    "pools",
    "selection",
    "classify",
    "fidelity",
    "statistics",
    "compare",
    "explain",
    "report",
    "turing",
    "lineage",
]


def imported(folder: Path) -> set[str]:
    """First parts below the package of all that the modules of a folder import."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == PACKAGE.name:
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE.name}."):
                found.add(node.module.split(".")[1])
            elif isinstance(node, ast.Import):
                found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith(f"{PACKAGE.name}.")}
    return found


@pytest.mark.parametrize("place", range(len(FLOW)), ids=FLOW)
def test_no_folder_imports_one_further_down(place: int) -> None:
    found = imported(PACKAGE / FLOW[place])
    assert found
    assert not found & set(FLOW[place + 1 :])
