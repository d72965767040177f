"""One result for each key of the run cache, as DVC itself writes them."""

import shutil
from pathlib import Path

import pytest
from toy import dvc, found

from synthtrace.lineage.findings import SkippedError


def test_a_stage_run_twice_with_the_same_result_is_fine(toy: Path) -> None:
    dvc(toy, "repro", "--force", "--single-item", "part@0")
    assert found("determinism", toy) == []


def test_a_stage_that_gave_two_results_is_named_with_its_outs(toy: Path) -> None:
    (toy / "dvc.yaml").write_text((toy / "dvc.yaml").read_text().replace("cp data/made/table.csv", "date +%N >"))
    for _ in range(2):
        dvc(toy, "repro", "--force", "--single-item", "part@0")
    (said,) = found("determinism", toy)
    assert said.startswith("`date +%N > data/parts/part0.csv` gave, on the same deps and parameters, data/parts/part0.csv as ")


def test_bytes_taken_by_a_forced_commit_are_a_second_result(toy: Path) -> None:
    (toy / "data/parts/part0.csv").write_text("counterfeit")
    dvc(toy, "commit", "--force", "part@0")
    assert found("bytes", toy) == []  # the lock was made to agree
    assert len(found("determinism", toy)) == 1


def test_without_a_run_cache_the_check_is_skipped(toy: Path) -> None:
    shutil.rmtree(toy / ".dvc/cache/runs")
    with pytest.raises(SkippedError, match="no run cache"):
        found("determinism", toy)
