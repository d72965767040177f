"""A withdrawal for people."""

from synthtrace.lineage.findings import listed
from synthtrace.lineage.withdraw.apply import Applied
from synthtrace.lineage.withdraw.cached import IMAGES, Held
from synthtrace.lineage.withdraw.descent import Descent, Entry
from synthtrace.lineage.withdraw.patient import Patient

MOST = 8


def descent_lines(patient: Patient, found: Descent, of_all: int) -> list[str]:
    """Who it is, what descends, and what would run again; `of_all` is the number of stages."""
    lines = [f"patient {patient.id} ({', '.join(patient.labels)}): {len(patient.pixel_hashes)} images"]
    if patient.unread:
        lines.append(f"the data set could not be read, so its images are those of data/scans alone: {patient.unread}")
    lines += [
        f"{count} images of patient {other} have the same pixels as theirs and leave the study too"
        for other, count in patient.twins.items()
    ]
    if not found.entries:
        return [*lines, "", "nothing of this run descends from them"]
    width = max(len(entry.path) for entry in found.entries)
    lines += ["", "what descends from them:"]
    lines += [f"  {entry.group:<12} {entry.path:<{width}}  {_counted(entry)}".rstrip() for entry in found.entries]
    if found.absent:
        lines.append(f"  not in the workspace, so not looked into: {listed(found.absent, MOST)}")
    lines += ["", f"without them {len(found.stages)} of {of_all} stages run again: {', '.join(found.stages)}"]
    return lines


def _counted(entry: Entry) -> str:
    whole, *parts = [f"{count} {words}" for words, count in entry.counts.items() if count] or [""]
    return f"{whole}: {', '.join(parts)}" if parts else whole


def applied_lines(done: Applied) -> list[str]:
    """What was done."""
    if done.tombstone:
        said = f"{done.tombstone['images']} images are now on the list of withdrawn ones, by their pixels alone"
    else:
        said = "all of their images were on the list of withdrawn ones already"
    return ["", said, *done.source]


def left_lines(found: Held, traces: dict[str, list[str]], changed: list[str]) -> list[str]:
    """Where the patient still is, and how to remove that."""
    lines = ["", "DVC's cache still holds, of this run and earlier ones:"]
    for kind, sizes in found.objects.items():
        going = {md5: size for md5, size in sizes.items() if md5 not in found.staying}
        staying = len(sizes) - len(going)
        said = f"{len(going)} objects, {_size(sum(going.values()))}" if going else "nothing"
        lines.append(f"  {kind:<17} {said}{f', and {staying} that source data still hold' if staying else ''}")
        if going:
            lines.append(f"    {listed(going, len(going) if kind == IMAGES else MOST)}")
    if not found.objects:
        lines.append("  nothing")
    lines += ["", "other files that name their images:"]
    for place, paths in traces.items():
        lines += [f"  {place}: {len(paths)} files, {listed(paths, MOST)}"]
    if not traces:
        lines.append("  none in records/, .scratch/, results/, report/")
    return [*lines, "", *_next(changed, bool(traces))]


def _next(changed: list[str], traces: bool) -> list[str]:
    lines = ["next:"]
    if changed:
        lines.append(f"  git add {' '.join(changed)}, and commit")
    lines += [
        "  dvc repro                       makes everything anew without them",
        "  dvc gc --workspace              then removes every object that the workspace no longer names: also those of other",
        "                                  branches, presets and experiments, which can be run again",
        "  dvc gc --workspace --cloud      does the same in the default remote (-r NAME: another)",
    ]
    lines.append("  rm -rf .scratch                 caches, embeddings of their images among them; nothing depends on it")
    if traces:
        lines.append("  delete the other files above: no result needs records/, and results/ can be made anew")
    lines += [
        "Git history and DVC's experiments still hold old digests and whatever was committed of results/, and keep it until",
        "history is rewritten (git filter-repo) and experiments are removed (dvc exp remove).",
    ]
    return lines


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
