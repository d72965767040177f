"""Bytes changed behind DVC's back."""

import json
from pathlib import Path

import numpy as np
from edits import cached, drawn, files, outs
from mutation import Mutation, flip_byte
from pipeline_clone import Clone


def _flip(file: Path, random: np.random.Generator) -> None:
    flip_byte(file, int(random.integers(file.stat().st_size)))


def flip_scan(clone: Clone, random: np.random.Generator) -> None:
    _flip(drawn(files(clone.folder / "data/scans", "*.png"), random), random)


def flip_classifier(clone: Clone, random: np.random.Generator) -> None:
    _flip(drawn(files(clone.folder / "data/classifiers"), random), random)


def flip_report(clone: Clone, random: np.random.Generator) -> None:
    _flip(clone.folder / "report/index.html", random)


def flip_candidate(clone: Clone, random: np.random.Generator) -> None:
    _flip(drawn(files(clone.folder / "data/pools", "*.png"), random), random)


def flip_object(clone: Clone, random: np.random.Generator) -> None:
    """An object that DVC would hand out, of a file or of a folder's file; its mode stays read-only."""
    out = drawn(sorted(path for path in outs(clone) if path.startswith(("data/", "report/"))), random)
    digest = outs(clone)[out]
    if digest.endswith(".dir"):
        digest = drawn(json.loads(cached(clone, digest).read_bytes()), random)["md5"]
    assert not cached(clone, digest).stat().st_mode & 0o222
    _flip(cached(clone, digest), random)


def edit_listing(clone: Clone, random: np.random.Generator) -> None:
    """A folder's `.dir` object names another file, or one file less."""
    folder = cached(clone, drawn(sorted(digest for digest in outs(clone).values() if digest.endswith(".dir")), random))
    entries, mode = json.loads(folder.read_bytes()), folder.stat().st_mode
    entry = drawn(entries, random)
    if len(entries) > 1 and random.random() < 0.5:
        entries.remove(entry)
    else:
        entry["md5"] = random.bytes(16).hex()
    folder.chmod(0o644)
    folder.write_text(json.dumps(entries, sort_keys=True))
    folder.chmod(mode)


def lose_file(clone: Clone, random: np.random.Generator) -> None:
    drawn(files(clone.folder / "data/classifiers"), random).unlink()


def comment_on_source(clone: Clone, random: np.random.Generator) -> None:
    """A leaf: no stage's code changes, the bytes that `fingerprint` read do."""
    source = drawn([*files(clone.folder / "src", "*.py"), *files(clone.folder / "stages", "*.py")], random)
    source.write_text(source.read_text() + "# later\n")


MUTATIONS = [
    Mutation("one byte of a scan flipped, size and times kept", "bytes", flip_scan, also=frozenset({"folds", "gates"})),
    Mutation("one byte of a classifier flipped, size and times kept", "bytes", flip_classifier),
    Mutation("one byte of the report flipped, size and times kept", "bytes", flip_report),
    Mutation(
        "one byte of a candidate flipped, size and times kept",
        "bytes",
        flip_candidate,
        also=frozenset({"folds", "gates", "ledger", "replay", "memorisation", "numbers"}),
    ),
    Mutation("a cache object edited and kept read-only", "bytes", flip_object, variants=4),
    Mutation("a folder's .dir object edited and kept read-only", "bytes", edit_listing, variants=3),
    Mutation(
        "a file of an out removed",
        "bytes",
        lose_file,
        also=frozenset({"folds", "ledger", "gates", "replay", "memorisation", "numbers"}),
    ),
    Mutation("a comment added to a source after the run", "bytes", comment_on_source),
]
