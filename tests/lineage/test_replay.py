"""Pool images are drawn again from a real run of the small pipeline."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mutation import flip_byte, outcomes
from pipeline_clone import Clone
from typer.testing import CliRunner

from synthtrace.cli import app
from synthtrace.errors import InputError
from synthtrace.images import read_image, write_image
from synthtrace.lineage.checks.replay import check
from synthtrace.lineage.findings import SkippedError
from synthtrace.lineage.replay import replay
from synthtrace.lineage.study import Study
from synthtrace.pools import sampling
from synthtrace.tables import read_ledger, write_ledger

POOL = "data/pools/semantic/fold0"
IMAGE = "semantic-f0-00012"


@pytest.fixture
def clone(phantom: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clone]:
    """A copy of the small study, the current directory in it."""
    other = phantom.copied(tmp_path / "clone")
    monkeypatch.chdir(other.folder)
    return other


def spoil(clone: Clone, image_id: str, levels: int) -> None:
    path = clone.folder / POOL / f"images/{image_id}.png"
    pixels = read_image(path).copy()
    pixels[5, 5] = int(pixels[5, 5]) + (levels if pixels[5, 5] < 128 else -levels)
    path.unlink()
    write_image(path, pixels)


def test_every_image_of_a_clean_run_is_equal_to_the_bit(phantom: Clone) -> None:
    found = outcomes(phantom, ["replay"], everything=True)["replay"]
    assert found.status == "pass", found.findings
    assert found.findings[-1].message == "96 of 96 images of 4 pools drawn again"


def test_a_sample_names_its_batches_and_is_drawn_afresh(phantom: Clone) -> None:
    (told,) = outcomes(phantom, ["replay"])["replay"].findings
    assert told.severity == "note"
    assert told.message.startswith("48 of 96 images of 4 pools drawn again: semantic-f0 batch ")


def test_images_come_in_the_order_asked_for_and_share_a_batch(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    sample = sampling.sample_batch
    monkeypatch.setattr(sampling, "sample_batch", lambda rows, *rest: drawn.append(len(rows)) or sample(rows, *rest))
    spoil(clone, "semantic-f0-00014", 1)
    asked = ["semantic-f0-00014", f"{POOL}/images/{IMAGE}.png", IMAGE]
    found = replay(Study(clone.folder), asked)
    assert [(one.image_id, one.reproduced) for one in found] == [("semantic-f0-00014", False), (IMAGE, True), (IMAGE, True)]
    assert drawn == [12]


def test_the_command_prints_a_line_an_image_and_tells_by_its_exit_code(clone: Clone) -> None:
    spoil(clone, IMAGE, 3)
    bad = CliRunner().invoke(app, ["replay", IMAGE, "semantic-f0-00013"])
    first, second = bad.stdout.splitlines()
    assert first.startswith(f"{IMAGE}: not reproduced: 0.10% of its pixels differ")
    assert second == "semantic-f0-00013: equal to the bit"
    assert bad.exit_code == 1
    good = CliRunner().invoke(app, ["replay", "class-f1-00000"])
    assert (good.stdout, good.exit_code) == ("class-f1-00000: equal to the bit\n", 0)
    none = CliRunner().invoke(app, ["replay", "nobody"])
    assert none.exit_code == 1
    assert none.stderr.startswith("error: nobody: ")


def test_what_is_no_pool_image_is_refused(clone: Clone) -> None:
    study = Study(clone.folder)
    for text in ("semantic-f0-99999", str(study.manifest["image_id"].iloc[0]), "metrics/summary.json"):
        with pytest.raises(InputError, match=text):
            replay(study, [text])


def test_another_checkpoint_is_refused_in_one_sentence(clone: Clone) -> None:
    ledger = read_ledger(clone.folder / POOL)
    write_ledger(clone.folder / POOL, ledger.assign(checkpoint="0" * 64))
    with pytest.raises(InputError, match="names the checkpoint 000000000000; data/generators/semantic/fold0 has the digest "):
        replay(Study(clone.folder), [IMAGE])


def test_weights_that_are_not_those_of_their_card_are_refused(clone: Clone) -> None:
    flip_byte(clone.folder / "data/generators/semantic/fold0/unet/diffusion_pytorch_model.safetensors", -5)
    with pytest.raises(InputError, match=r"sha256 .* as in its card"):
        replay(Study(clone.folder), [IMAGE])


def test_rows_that_draw_nothing_are_told(clone: Clone) -> None:
    ledger = read_ledger(clone.folder / POOL)
    ledger.loc[ledger["batch"] == 0, "condition_image_id"] = "nobody"
    write_ledger(clone.folder / POOL, ledger)
    failed = [one.message for one in check(Study(clone.folder, everything=True)) if one.severity == "fail"]
    assert any("12 of 24 rows are not what the stage's seed and parameters choose" in one for one in failed)
    assert any("batch 0 cannot be drawn from its rows" in one for one in failed)
    assert len(failed) == 2


def test_a_missing_and_a_broken_file_are_told(clone: Clone) -> None:
    (clone.folder / POOL / f"images/{IMAGE}.png").unlink()
    path = clone.folder / POOL / "images/semantic-f0-00013.png"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:100])
    missing, broken, whole = replay(Study(clone.folder), [IMAGE, "semantic-f0-00013", "semantic-f0-00014"])
    assert missing.sentence() == "no such image file"
    assert broken.sentence().startswith("not a readable image")
    assert (missing.reproduced, broken.reproduced, whole.reproduced) == (False, False, True)


def test_where_another_library_drew_it_the_tolerance_is_stated(clone: Clone) -> None:
    for path in (clone.folder / "records/sample@semantic-0").glob("*.json"):
        record = json.loads(path.read_text())
        record["packages"]["torch"] = "1.0"
        path.write_text(json.dumps(record))
    spoil(clone, IMAGE, 1)
    spoil(clone, "semantic-f0-00013", 9)
    findings = list(check(Study(clone.folder, everything=True)))
    (near,) = (one.message for one in findings if one.severity == "warn")
    (far,) = (one.message for one in findings if one.severity == "fail")
    assert near.startswith(f"{POOL}: 1 of the 12 images of batch 1 are near, not equal: they differ in up to 0.10%")
    assert "torch " in near
    assert far.startswith(f"{POOL}/images/semantic-f0-00013.png: 0.10% of its pixels differ")


def test_a_batch_that_nobody_drew_is_one_finding(clone: Clone) -> None:
    rng = np.random.default_rng(0)
    for number in range(12, 24):
        path = clone.folder / POOL / f"images/semantic-f0-{number:05d}.png"
        path.unlink()
        write_image(path, rng.integers(0, 256, (32, 32), dtype=np.uint8))
    (told,) = (one.message for one in check(Study(clone.folder, everything=True)) if one.severity == "fail")
    assert told.startswith(f"{POOL}: none of the 12 images of batch 1 is reproduced; {POOL}/images/{IMAGE}.png: ")


@pytest.mark.parametrize("option", ["evidence", "fast"])
def test_evidence_and_a_fast_audit_draw_nothing(tmp_path: Path, option: str) -> None:
    with pytest.raises(SkippedError):
        list(check(Study(tmp_path, **{option: True})))
