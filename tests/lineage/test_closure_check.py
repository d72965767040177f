"""What a stage read is what another made, or a leaf that can be found again."""

import hashlib
import shutil
from pathlib import Path

import pytest
import yaml
from edits import edited_yaml
from toy import command, found

from synthtrace.lineage.hashing import folder_listing


def edit(toy: Path, stage: str, key: str, path: str, md5: str) -> None:
    with edited_yaml(toy / "dvc.lock") as lock:
        for item in lock["stages"][stage][key]:
            if item["path"] == path:
                item["md5"] = md5


@pytest.mark.parametrize(
    ("stage", "dep", "maker"),
    [
        ("part@0", "data/made/table.csv", "make"),  # a file of a folder
        ("part@1", "data/made/images", "make"),  # a folder of a folder
        ("gather", "data/parts", "part@0, part@1"),  # a folder around outs of two stages
        ("make", "data/raw/scans", "data/raw/scans.dvc"),  # imported
    ],
)
def test_a_dep_that_nobody_made_so_is_named_with_its_maker(toy: Path, stage: str, dep: str, maker: str) -> None:
    assert found("closure", toy) == []
    edit(toy, stage, "deps", dep, "0" * 32)
    (said,) = found("closure", toy)
    assert said.startswith(f"{stage}: dvc.lock says it read {dep} as {'0' * 32}, but by the outs of {maker} it is ")


def test_listings_come_from_the_workspace_when_the_cache_is_gone(toy: Path) -> None:
    shutil.rmtree(toy / ".dvc/cache/files")
    assert found("closure", toy) == found("closure", toy, "warn") == []
    assert "6 deps compared with what made them" in found("closure", toy, "note")
    edit(toy, "part@1", "deps", "data/made/images", "0" * 32 + ".dir")
    assert len(found("closure", toy)) == 1


def test_what_no_listing_can_decide_is_said(toy: Path) -> None:
    shutil.rmtree(toy / ".dvc/cache/files")
    (toy / "data/made/table.csv").write_text("other")
    assert found("closure", toy) == []
    (said,) = found("closure", toy, "warn")
    assert said.startswith("4 deps were left out")


def test_a_leaf_differing_from_the_last_commit_is_a_warning(toy: Path) -> None:
    (toy / "make.py").write_text("pass\n")
    assert found("closure", toy) == []
    assert found("closure", toy, "warn") == ["make.py: Git's HEAD has other bytes of make.py; commit to keep them"]


def test_a_leaf_that_nothing_holds_is_an_error(toy: Path) -> None:
    command(toy, "git", "rm", "--quiet", "--cached", "make.py")
    (said,) = found("closure", toy)
    assert said.startswith("make.py: make reads it, but no stage makes it, no .dvc file holds it and Git does not track it")


def test_a_leaf_read_with_two_digests_is_an_error(toy: Path) -> None:
    with edited_yaml(toy / "dvc.lock") as lock:
        lock["stages"]["gather"]["deps"].append({"path": "make.py", "hash": "md5", "md5": "0" * 32, "size": 1})
    (said,) = found("closure", toy)
    assert said.startswith(f"make.py: gather read it as {'0' * 32}, make as ") or said.startswith("make.py: make read it as ")


def test_a_folder_read_while_a_retired_stages_out_lay_in_it_is_whole(toy: Path) -> None:
    (toy / "params.yaml").write_text("size: 1.0e-06\nfolds: [0]\n")
    assert found("closure", toy) == []


@pytest.fixture
def evidence(toy: Path) -> Path:
    """What a study keeps of a run, without data and cache."""
    folder = toy / "results/kept"
    folder.mkdir(parents=True)
    for name in ("dvc.yaml", "dvc.lock", "params.yaml", "code.json"):
        shutil.copy(toy / name, folder)
    shutil.copytree(toy / "metrics", folder / "metrics")
    shutil.rmtree(toy / ".dvc/cache/files")
    shutil.rmtree(toy / "data/made")
    return folder


def test_evidence_is_decided_as_far_as_it_goes(evidence: Path) -> None:
    assert found("closure", evidence, evidence=True) == found("closure", evidence, "warn", evidence=True) == []
    notes = found("closure", evidence, "note", evidence=True)
    assert "2 deps compared with what made them" in notes
    assert any(said.startswith("4 deps were left out") for said in notes)


def test_evidence_edited_after_the_run_is_an_error(evidence: Path) -> None:
    (evidence / "metrics/sum.json").write_text("2\n")
    (said,) = found("closure", evidence, evidence=True)
    assert said.startswith("metrics/sum.json: its bytes have ")


def test_evidence_that_is_incomplete_is_a_warning(evidence: Path) -> None:
    (evidence / "code.json").unlink()
    assert found("closure", evidence, evidence=True) == []
    (said,) = found("closure", evidence, "warn", evidence=True)
    assert said.startswith("code.json: not kept")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Evidence of a stage that wrote a folder, of which one of two files was kept, with DVC's listing of both."""
    (tmp_path / ".dvc").mkdir()
    folder = tmp_path / "results/kept"
    (folder / "curve/real").mkdir(parents=True)
    (folder / "curve/real/predictions.parquet").write_text("p1")
    listing = folder_listing({"predictions.parquet": hashlib.md5(b"p1").hexdigest(), "training.parquet": "0" * 32})
    (folder / "curve/real/listing.json").write_bytes(listing)
    (folder / "params.yaml").write_text("{}\n")
    stage = {"cmd": "true", "outs": ["data/curve/real"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"curve": stage}}))
    out = {"path": "data/curve/real", "md5": f"{hashlib.md5(listing).hexdigest()}.dir"}
    (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": {"curve": {"cmd": "true", "outs": [out]}}}))
    return folder


def test_a_file_kept_of_a_folder_is_proved_by_the_folders_listing(kept: Path) -> None:
    assert found("closure", kept, evidence=True) == found("closure", kept, "warn", evidence=True) == []
    (kept / "curve/real/predictions.parquet").write_text("p2")
    (said,) = found("closure", kept, evidence=True)
    assert said.startswith("curve/real/predictions.parquet: its bytes have ")


def test_a_listing_edited_to_suit_a_kept_file_is_not_the_locks(kept: Path) -> None:
    (kept / "curve/real/predictions.parquet").write_text("p2")
    entries = {"predictions.parquet": hashlib.md5(b"p2").hexdigest(), "training.parquet": "0" * 32}
    (kept / "curve/real/listing.json").write_bytes(folder_listing(entries))
    (said,) = found("closure", kept, evidence=True)
    assert said.startswith("curve/real/listing.json: stands for ")


def test_a_folder_that_was_not_kept_is_a_warning_and_one_without_a_listing_an_error(kept: Path) -> None:
    (kept / "curve/real/listing.json").unlink()
    (said,) = found("closure", kept, evidence=True)
    assert said.startswith("curve/real/listing.json: no listing of the folder's files")
    shutil.rmtree(kept / "curve")
    assert found("closure", kept, evidence=True) == []
    (said,) = found("closure", kept, "warn", evidence=True)
    assert said.startswith("data/curve/real: not kept")
