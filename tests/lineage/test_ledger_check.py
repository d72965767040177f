"""What the check `ledger` says, and of what; that it catches each change is the campaign's to show."""

from pathlib import Path

import pytest
from mutation import outcomes
from mutations.ledger import KINDS
from PIL import Image
from pipeline_clone import Clone

from synthtrace.images import file_sha256
from synthtrace.lineage.checks import ledger as check_of_ledger
from synthtrace.lineage.findings import Outcome, SkippedError
from synthtrace.lineage.study import Study
from synthtrace.tables import read_ledger, write_ledger


@pytest.fixture
def clone(phantom: Clone, tmp_path: Path) -> Clone:
    return phantom.copied(tmp_path / "clone")


def audited(clone: Clone) -> Outcome:
    return outcomes(clone, ["ledger"])["ledger"]


def test_evidence_has_no_pools_to_judge(phantom: Clone) -> None:
    with pytest.raises(SkippedError):
        list(check_of_ledger.check(Study(phantom.folder, evidence=True)))


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_judged(clone: Clone) -> None:
    pool = clone.folder / "data/pools/class/fold0"
    first, second = read_ledger(pool)["path"][:2]
    for path, content in ((first, b"no image"), (second, (pool / second).read_bytes()[:40])):
        (pool / path).unlink()
        (pool / path).write_bytes(content)
    found = audited(clone)
    assert [Path(first).name in found.findings[0].message, Path(second).name in found.findings[1].message] == [True, True]
    assert len(found.findings) == 2


def test_a_library_that_writes_other_bytes_of_every_image_is_no_matter(clone: Clone) -> None:
    pool = clone.folder / "data/pools/semantic/fold1"
    ledger = read_ledger(pool)
    for row, path in enumerate(ledger["path"]):
        with Image.open(pool / path) as image:
            image.load()
        (pool / path).unlink()
        image.save(pool / path, format="PNG", compress_level=1)
        ledger.loc[row, "file_sha256"] = file_sha256(pool / path)
    (pool / "ledger.parquet").unlink()
    write_ledger(pool, ledger)
    assert audited(clone).status == "pass"


def test_a_parameter_changed_after_the_run_is_not_the_ledgers_matter(clone: Clone) -> None:
    clone.set(seed=7, sample={"steps": 3, "batch_size": 5})
    assert audited(clone).status == "pass"


def test_a_pool_without_its_generator_fails(clone: Clone) -> None:
    for kind in KINDS:
        (clone.folder / f"data/generators/{kind}/fold1/card.json").unlink()
    found = audited(clone)
    assert [kind for kind in KINDS if any(f"generators/{kind}/fold1" in finding.message for finding in found.findings)] == KINDS
