"""What a stage read is what another made, by the digests that the lock holds."""

from collections.abc import Iterator

from synthtrace.errors import InputError
from synthtrace.lineage.findings import Finding, fail, listed, note, warn
from synthtrace.lineage.hashing import files_below, folder_digest
from synthtrace.lineage.leaves import Leaf, imported, imports, leaves, outside, tracked, uncommitted
from synthtrace.lineage.listings import Listing, gathered, listing, part
from synthtrace.lineage.pipeline import producers, within
from synthtrace.lineage.run import LISTING, Run, read_json

PROMISE = "every dep's digest is its producer's; leaves are .dvc files, in Git, or outside with their digest locked"

# what the evidence of a preset keeps of a run besides its uncached outs: whole outs, and folders in part
KEPT = ("data/folds/folds.csv", "data/predictions/")


def check(study: Run) -> Iterator[Finding]:
    """Compare each dep with the outs that it is, lies in or gathers; judge the leaves; hash the files of evidence."""
    outs = _Outs(study)
    undecided = compared = 0
    for stage in study.lock.values():
        for path, digest in stage.deps.items():
            made = outs.digests(path)
            compared += bool(made)
            if made and digest not in made:
                if None in made:
                    undecided += 1
                else:
                    yield _differs(study, stage.name, path, digest, str(made[0]))
    yield note(f"{compared - undecided} deps compared with what made them")
    if undecided:
        severity = note if study.evidence else warn
        yield severity(f"{undecided} deps were left out: neither cache nor workspace lists the folders that they are part of")
    yield from _leaves(study)
    if study.evidence:
        yield from _kept(study)


class _Outs:
    """What made a path, and the digest that this gives it."""

    def __init__(self, study: Run) -> None:
        self.study = study
        imported = {one.path: one.digest for one in imports(study).values()}
        self.now = {out: digest for stage in study.lock.values() for out, digest in stage.outs.items()} | imported
        ever = {out: digest for stage in study.locked.values() for out, digest in stage.outs.items()}
        # a folder may have been read while the outs of a stage since dropped lay in it: of that, `pipeline` speaks
        self.ever = ever | self.now
        self.listings: dict[str, Listing | None] = {}

    def digests(self, path: str) -> list[str | None]:
        """The digests that a path may have; empty for a leaf; None among them where no listing tells."""
        found = [self._digest(path, outs) for outs in (self.now, self.ever) if any(_meet(path, out) for out in outs)]
        return list(dict.fromkeys(found))

    def _digest(self, path: str, outs: dict[str, str]) -> str | None:
        if path in outs:
            return outs[path]
        met = {out: self._listing(out, digest) for out, digest in outs.items() if _meet(path, out)}
        parts = {out: files for out, files in met.items() if files is not None}
        if len(parts) < len(met):
            return None
        for out, files in parts.items():
            if within(path, out):
                return part(files, path.removeprefix(f"{out}/"))
        return gathered(path, parts)

    def _listing(self, out: str, digest: str) -> Listing | None:
        if out not in self.listings:
            self.listings[out] = listing(self.study, out, digest)
        return self.listings[out]


def _meet(path: str, out: str) -> bool:
    return within(path, out) or within(out, path)


def _differs(study: Run, stage: str, path: str, digest: str, made: str) -> Finding:
    makers = [name for name, _ in producers(study.locked, path)]
    makers += [one.file for one in imports(study).values() if _meet(path, one.path)]
    return fail(
        f"{stage}: dvc.lock says it read {path} as {digest}, but by the outs of {listed(makers, 3)} it is {made}; run "
        "`dvc repro`, or take dvc.lock back from Git if it was edited",
        path,
    )


def _leaves(study: Run) -> Iterator[Finding]:
    known = imports(study)
    seen: dict[str, Leaf] = {}
    for leaf in leaves(study):
        first = seen.setdefault(leaf.path, leaf)
        if first is not leaf:
            yield fail(
                f"{leaf.path}: {leaf.stage} read it as {leaf.digest}, {first.stage} as {first.digest}; expected the same "
                "bytes, run `dvc repro`",
                leaf.path,
            )
        elif outside(study, leaf.path):
            yield note(f"{leaf.path}: outside the repository, locked as {leaf.digest}", leaf.path)
        elif not imported(known, leaf.path) and not tracked(study, leaf.path):
            yield fail(
                f"{leaf.path}: {leaf.stage} reads it, but no stage makes it, no .dvc file holds it and Git does not track it; "
                "expected one of them (`dvc add`, `git add`)",
                leaf.path,
            )
        elif not study.evidence and (changed := uncommitted(study, leaf.path)):
            yield warn(f"{leaf.path}: Git's HEAD has other bytes of {listed(changed)}; commit to keep them", leaf.path)


def _kept(study: Run) -> Iterator[Finding]:
    """Files of evidence against the lock beside them."""
    for stage in study.lock.values():
        for path, digest in stage.outs.items():
            if any(within(path, place) for place in study.in_part):
                yield from _kept_part(study, stage.name, path, digest)
            elif path in study.declared[stage.name].uncached or path.startswith(KEPT):
                try:
                    found = study.digest(path)
                except OSError:
                    yield warn(f"{path}: not kept, expected {digest} (dvc.lock, stage {stage.name})", path)
                    continue
                if found != digest:
                    kept = study.shown(study.path(path))
                    yield fail(f"{kept}: its bytes have {found}, expected {digest} (dvc.lock, stage {stage.name})", path)


def _kept_part(study: Run, stage: str, path: str, digest: str) -> Iterator[Finding]:
    """A folder of which some files were kept, with DVC's listing of all: the lock knows the listing, and this the files."""
    folder = study.path(path)
    if not folder.is_dir():
        yield warn(f"{path}: not kept, expected {digest} (dvc.lock, stage {stage})", path)
        return
    try:
        files = {entry["relpath"]: entry["md5"] for entry in read_json(folder / LISTING)}
    except (InputError, KeyError, TypeError) as error:
        yield fail(f"{study.shown(folder / LISTING)}: no listing of the folder's files as DVC keeps one ({error})", path)
        return
    if (found := folder_digest(files)) != digest:
        yield fail(f"{study.shown(folder / LISTING)}: stands for {found}, expected {digest} (dvc.lock, stage {stage})", path)
    for name, file in sorted(files_below(folder).items()):
        if name != LISTING and (found := study.hasher.file(file)) != files.get(name):
            expected = files.get(name, "no such file")
            yield fail(
                f"{study.shown(folder / name)}: its bytes have {found}, expected {expected} by {LISTING} beside it", path
            )
