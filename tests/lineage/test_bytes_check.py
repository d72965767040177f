"""Bytes are read again, and what differs is named with what brings it back."""

import shutil
from pathlib import Path

import pytest
from mutation import flip_byte
from toy import dvc, entries, found

from synthtrace.lineage.findings import SkippedError
from synthtrace.lineage.hashing import Hasher


def test_an_intact_study_raises_no_alarm(toy: Path) -> None:
    assert found("bytes", toy) == found("bytes", toy, "warn") == []


def test_the_file_inside_a_folder_is_named_and_the_remedy_restores_it(toy: Path) -> None:
    dvc(toy, "status")  # DVC notes size, times and inode of every file: from now on it trusts them
    flip_byte(toy / "data/made/images/deep/c.png", 3)
    assert dvc(toy, "status", "data/made").strip().endswith("up to date.")
    (said,) = found("bytes", toy)
    assert said.startswith("data/made/images/deep/c.png: found ")
    assert said.endswith("(dvc.lock, stage make); remove it, then `dvc checkout data/made`")
    (toy / "data/made/images/deep/c.png").unlink()
    dvc(toy, "checkout", "data/made")
    assert found("bytes", toy) == []


def test_a_file_too_many_and_one_too_few_are_named(toy: Path) -> None:
    (toy / "data/made/images/b.png").rename(toy / "data/made/images/d.png")
    few, many = found("bytes", toy)
    assert few.startswith("data/made/images/b.png: found nothing, expected ")
    assert many.startswith("data/made/images/d.png: found ")
    assert many.endswith("expected nothing (dvc.lock, stage make); remove it")


def test_a_cache_object_is_read_whatever_its_mode_and_the_remedy_restores_it(toy: Path) -> None:
    broken = entries(toy, "data/made")["images/a.png"]
    flip_byte(broken, 0)
    (said,) = found("bytes", toy)
    assert said.startswith("data/made/images/a.png: its cache object ")
    assert said.endswith("remove that object, then `dvc commit --force make`")
    lock = (toy / "dvc.lock").read_bytes()
    broken.unlink()
    dvc(toy, "commit", "--force", "make")
    assert found("bytes", toy) == []
    assert (toy / "dvc.lock").read_bytes() == lock


def test_workspace_bytes_that_differ_are_not_recommended_to_be_committed(toy: Path) -> None:
    flip_byte(entries(toy, "data/made")["images/a.png"], 0)
    flip_byte(toy / "data/made/images/b.png", 0)
    assert not [said for said in found("bytes", toy) if "commit" in said]


def test_an_absent_object_is_a_warning_that_says_what_brings_it_back(toy: Path) -> None:
    shutil.rmtree(toy / ".dvc/cache/files")
    assert found("bytes", toy) == []
    said = found("bytes", toy, "warn")
    assert "data/made: the cache lacks 5 of 5 objects; `dvc commit --force make` brings them back" in said
    assert any("data/raw/scans" in one and "`dvc commit --force data/raw/scans.dvc`" in one for one in said)


def test_an_edited_listing_does_not_hide_the_objects_of_its_files(toy: Path) -> None:
    objects = entries(toy, "data/made")
    flip_byte(objects[""], 5)
    flip_byte(objects["images/a.png"], 0)
    assert len(found("bytes", toy)) == 2


def test_imported_data_and_leaves_are_read(toy: Path) -> None:
    flip_byte(toy / "data/raw/scans/two.png", 1)
    flip_byte(toy / "make.py", 1)
    flip_byte(toy.parent / "outside.csv", 1)
    scan, tracked, outside = sorted(found("bytes", toy), key=lambda said: ["data", "make", "../o"].index(said[:4]))
    assert "(data/raw/scans.dvc); remove it, then `dvc checkout data/raw/scans.dvc`" in scan
    assert "as stage make read it" in tracked
    assert "as stage make read it" in outside


def test_data_outside_the_repository_may_be_absent(toy: Path) -> None:
    (toy.parent / "outside.csv").unlink()
    assert found("bytes", toy) == []
    assert [said.split(":")[0] for said in found("bytes", toy, "warn")] == ["../outside.csv"]


def test_a_missing_uncached_out_is_made_by_its_stage(toy: Path) -> None:
    (toy / "metrics/sum.json").unlink()
    (said,) = found("bytes", toy)
    assert said.startswith("metrics/sum.json: found nothing")
    assert said.endswith("`dvc repro gather`")


def test_files_that_dvc_ignores_are_ignored(toy: Path) -> None:
    (toy / "data/made/images/x.pyc").write_text("compiled")
    assert found("bytes", toy) == []


def test_a_wholly_changed_folder_is_told_in_few_sentences(toy: Path) -> None:
    for number in range(100):
        (toy / f"data/made/{number}.txt").write_text("more")
    said = found("bytes", toy)
    assert len(said) == 21
    assert said[-1] == "data/made: 80 more of its files or cache objects differ"


def test_evidence_has_no_bytes_to_read(toy: Path) -> None:
    with pytest.raises(SkippedError, match="neither data nor cache"):
        found("bytes", toy, evidence=True)


def test_a_file_under_two_names_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"12345")
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    hasher = Hasher()
    assert hasher.entries(tmp_path) == dict.fromkeys(("one", "two"), "827ccb0eea8a706c4c34a16891f84e7b")
    assert hasher.bytes_read == 5
