"""Every byte that the lock speaks of, read again: workspace, cache and leaves."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from synthtrace.lineage.findings import Finding, SkippedError, fail, listed, note, warn
from synthtrace.lineage.hashing import files_below, folder_digest
from synthtrace.lineage.leaves import imported, imports, leaves, outside, uncommitted
from synthtrace.lineage.listings import cached_listing
from synthtrace.lineage.run import Run
from synthtrace.stage import progress

PROMISE = "workspace and cache bytes equal the digests in dvc.lock and .dvc files, read again"

MOST = 20  # findings an out
NOTHING, UNREADABLE = "nothing", "an unreadable file"


@dataclass(frozen=True)
class Expected:
    """A path and the digest that its bytes must have.

    Attributes:
        path: as dvc.lock writes it.
        digest: DVC's.
        source: where the digest stands, in words.
        restore: what brings lost bytes back, in words.
        stage: what `dvc commit` takes to store the workspace's bytes in the cache; None: DVC does not keep them there.
        must: the cache must hold it; an uncached out may lie there for the run cache.
        away: it lies outside the repository.
    """

    path: str
    digest: str
    source: str
    restore: str
    stage: str | None = None
    must: bool = False
    away: bool = False


def check(study: Run) -> Iterator[Finding]:
    """Compare outs, data of .dvc files and leaves with their digests; a finding a file that differs, up to MOST an out."""
    if study.evidence:
        raise SkippedError("evidence keeps neither data nor cache")
    wanted = expected(study)
    reader = _Reader(study, wanted)
    for one in wanted:
        lying = list(reader.workspace(one))
        kept = list(reader.objects(one, intact=not lying))
        yield from [*lying[:MOST], *kept[:MOST]]
        if more := len(lying[MOST:]) + len(kept[MOST:]):
            yield fail(f"{one.path}: {more:,} more of its files or cache objects differ", one.path)
    yield note(f"{len(reader.read):,} files, {study.hasher.bytes_read / 1e6:,.1f} MB read")


def expected(study: Run) -> list[Expected]:
    """All that dvc.lock and .dvc files say of bytes."""
    found = []
    for stage in study.lock.values():
        for path, digest in stage.outs.items():
            must = path not in study.declared[stage.name].uncached
            back = f"checkout {path}" if must and study.cached(digest).exists() else f"repro {stage.name}"
            restore = f"remove it, then `dvc {back}`"
            found.append(Expected(path, digest, f"dvc.lock, stage {stage.name}", restore, stage.name, must))
    known = imports(study)
    found += [
        Expected(one.path, one.digest, one.file, f"remove it, then `dvc checkout {one.file}`", one.file, must=True)
        for one in known.values()
    ]
    restore = "put the bytes back, or `dvc repro` runs what read others"
    for leaf in leaves(study):
        if not imported(known, leaf.path):
            away = outside(study, leaf.path)
            changed = [] if away else uncommitted(study, leaf.path)
            told = f"Git's HEAD has other bytes of {listed(changed)}; {restore}" if changed else restore
            found.append(Expected(leaf.path, leaf.digest, f"dvc.lock, as stage {leaf.stage} read it", told, away=away))
    return found


class _Reader:
    """md5 of every file in question, each read once, and what follows from them."""

    def __init__(self, study: Run, wanted: list[Expected]) -> None:
        self.study = study
        self.cache = str(study.cache)  # strings: ten thousand paths of pathlib take as long as the md5 of small files
        self.listings = {one.digest: cached_listing(study, one.digest) for one in wanted if one.digest.endswith(".dir")}
        self.files = {one.path: _files(study.root / one.path) for one in wanted}
        self.read: dict[str, str | None] = {}
        self.told: set[str] = set()
        paths = [path for files in self.files.values() for path in files.values()]
        for one in wanted:
            if one.stage:
                paths += [self._object(md5) for md5 in [one.digest, *(self.listings.get(one.digest) or {}).values()]]
        for path in progress(list(dict.fromkeys(paths)), "reading", unit="file"):
            self._md5(path)

    def workspace(self, one: Expected) -> Iterator[Finding]:
        """What lies in the workspace, file by file where the cache has a listing."""
        files = self.files[one.path]
        found = {name: self._md5(path) or UNREADABLE for name, path in files.items()}
        entries = self.listings.get(one.digest)
        if found == entries or _digest(found) == one.digest:
            return
        found = {name: md5 for name, md5 in found.items() if not self.study.ignored(Path(files[name]))}
        if _digest(found) == one.digest:
            return
        if not files and one.away:
            yield warn(f"{one.path}: is not there to be compared with {one.digest} ({one.source})", one.path)
        elif not files or entries is None:
            yield _differs(one, "", _digest(found) if files else NOTHING, one.digest)
        else:
            for name in sorted(found.keys() | entries.keys()):
                if found.get(name) != entries.get(name):
                    yield _differs(one, name, found.get(name, NOTHING), entries.get(name, NOTHING))

    def objects(self, one: Expected, intact: bool) -> Iterator[Finding]:
        """What the cache keeps of it: DVC hands an object out by its name and its mode, unread."""
        if one.stage is None:
            return
        entries = self.listings.get(one.digest)
        if entries is None and intact and one.digest.endswith(".dir"):
            entries = {name: self._md5(path) or UNREADABLE for name, path in self.files[one.path].items()}
        again = f"`dvc commit --force {one.stage}`" if intact else "`dvc fetch` from a remote, or `dvc repro`"
        names = {one.digest: one.path} | {md5: f"{one.path}/{name}" for name, md5 in (entries or {}).items()}
        absent = 0
        for digest, name in names.items():
            md5 = self._md5(self._object(digest))
            absent += md5 is None
            if md5 not in (None, digest.removesuffix(".dir")) and digest not in self.told:
                self.told.add(digest)
                yield fail(
                    f"{name}: its cache object {digest} has other bytes (md5 {md5}); remove that object, then {again}", name
                )
        if absent and one.must:
            yield warn(f"{one.path}: the cache lacks {absent:,} of {len(names):,} objects; {again} brings them back", one.path)

    def _md5(self, path: str) -> str | None:
        """md5 of a file; None when it cannot be read."""
        if path not in self.read:
            try:
                self.read[path] = self.study.hasher.file(path)
            except OSError:
                self.read[path] = None
        return self.read[path]

    def _object(self, digest: str) -> str:
        return f"{self.cache}{os.sep}{digest[:2]}{os.sep}{digest[2:]}"


def _files(path: Path) -> dict[str, str]:
    """Path by relative path of the files of a folder; a file lists itself as ""."""
    path = Path(os.path.normpath(path))  # a leaf may lie above the study
    return files_below(path) if path.is_dir() else {"": str(path)} if path.exists() else {}


def _digest(files: dict[str, str]) -> str:
    return files[""] if "" in files else folder_digest(files)


def _differs(one: Expected, name: str, found: str, wanted: str) -> Finding:
    path = f"{one.path}/{name}".rstrip("/")
    restore = "remove it" if wanted == NOTHING else one.restore
    return fail(f"{path}: found {found}, expected {wanted} ({one.source}); {restore}", path)
