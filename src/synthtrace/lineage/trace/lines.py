"""The lines of a trace's tree: what is traced, a stage, a source, in words and colours."""

from typing import Any

from rich.text import Text

from synthtrace.lineage.trace.words import SHORT, counts_words, short, short_commit, span, together, value_words

Plain = dict[str, Any]
FEW, SOME = 10, 4
KINDS = {"git": "in Git", "external": "outside the repository", "untracked": "not in Git"}


def head(traced: Plain) -> Text:
    """What is traced, its digest, and what it is computed from."""
    text = Text.assemble((traced["target"], "bold"))
    if traced["kind"] == "number":
        text.append(f" = {'null' if traced['value'] is None else repr(traced['value'])}", "bold green")
    recorded, found = traced["digest"]["recorded"], traced["digest"]["found"]
    agreed = recorded is not None and recorded == found
    differs = "not in the workspace" if found is None else "not shown to be what dvc.lock stands for"
    path = f"\n{traced['path']}" if traced["path"] != traced["target"] else ""
    text.append(
        f"{path}  {short(recorded or found)}  {'as dvc.lock has it' if agreed else differs}", "" if agreed else "yellow"
    )
    if traced["rests_on"]:
        text.append(f"\nof all that {', '.join(traced['made_by'])} reads, it is computed from ", "dim")
        text.append(" and ".join(together(outs) for outs in _by_folder(traced["rests_on"])))
    return text


def _by_folder(outs: list[str]) -> list[list[str]]:
    """Paths of the pipeline by the first two parts of each: those of pools, of selections."""
    found: dict[str, list[str]] = {}
    for out in outs:
        found.setdefault("/".join(out.split("/")[:2]), []).append(out)
    return list(found.values())


def outs_line(outs: list[Plain]) -> Text:
    """Path, digests and counts of an out, or of the same out of several items."""
    text = Text(f"{together([out['path'] for out in outs])}  ")
    text.append(_few(list(dict.fromkeys(short(out["digest"]) for out in outs))), "magenta")
    if words := counts_words([out["counts"] for out in outs]):
        text.append(f"  {words}", "green")
    return text


def params_line(stages: list[Plain]) -> str:
    """The parameters of a stage by block: `seed 1; generator: steps 4, batch_size 4`."""
    blocks: dict[str, list[str]] = {}
    for key in dict.fromkeys(key for stage in stages for key in stage["params"]):
        block, _, name = key.rpartition(".")
        values = dict.fromkeys(value_words(stage["params"][key]) for stage in stages if key in stage["params"])
        blocks.setdefault(block, []).append(f"{name} {' or '.join(values)}")
    alone = blocks.pop("", [])
    return "; ".join([*alone, *(f"{block}: {', '.join(found)}" for block, found in blocks.items())])


def run_line(stages: list[Plain]) -> str:
    """Code, commit, W&B runs, device and time, as far as records tell."""
    codes = dict.fromkeys(digest[:SHORT] for stage in stages for digest in stage["code"].values())
    parts = [f"code {' '.join(codes)}"] if codes else []
    runs = [stage["run"] for stage in stages if stage["run"]]
    if not runs:
        return " · ".join([*parts, "no record of the run"])
    commits = dict.fromkeys(short_commit(run["commit"]) for run in runs if run["commit"])
    parts.append(f"commit {' '.join(commits)}" if commits else "no commit")
    if tracked := [run["wandb"] for run in runs if run["wandb"]]:
        modes = dict.fromkeys(one["mode"] for one in tracked)
        parts.append(f"W&B {_few([one['id'] for one in tracked])} ({', '.join(modes)})")
    parts.append(" / ".join(dict.fromkeys(map(_device, runs))))
    if seconds := [run["seconds"] for run in runs if run["seconds"] is not None]:
        parts.append(f"{span(seconds, 1)} s{' each' if len(stages) > 1 else ''}")
    if len(runs) < len(stages):
        parts.append(f"records of {len(runs)} of {len(stages)}")
    return " · ".join(parts)


def source_line(source: Plain) -> Text:
    """What no stage makes."""
    kind = f"by {source['file']}" if source["kind"] == "dvc" else KINDS[source["kind"]]
    text = Text(source["path"], "bold")
    text.append(f"  {kind}  ", "dim").append(short(source["digest"]), "magenta")
    if words := counts_words([source["counts"]]):
        text.append(f"  {words}", "green")
    return text


def image_lines(image: Plain) -> list[Text]:
    """A synthetic image: what it was drawn from, and what became of it."""
    condition, chosen, card = image["condition"], image["selection"], image["card"]
    drawn = f"seed {image['seed']}, batch {image['batch']}, {image['sampler']}, {image['steps']} steps"
    shown = "none but the label"
    if condition:
        whose = f"{condition['image_id']}, patient {condition['patient_id']}, {condition['label_name']}"
        seed = image["condition_seed"]  # pairs are not drawn from a map: their lesion is painted anew, or learnt alone
        shown = f"pair of {whose}" if seed is None else f"map of {whose}; distorted by seed {seed}"
    saw = f", which saw {len(card['patient_ids'])} patients, {len(card['image_ids'])} images" if card else ""
    lines = [
        _line("label", f"{image['label_name']} ({image['label']})"),
        _line("drawn", f"{drawn}, guidance {value_words(image['guidance_scale'])}"),
        _line("condition", shown),
        _line("checkpoint", f"{image['checkpoint_path'] or 'not found'}, sha256 {short(image['checkpoint'])}{saw}"),
        _line("digests", f"pixels sha256 {short(image['pixel_hash'])}, file sha256 {short(image['file_sha256'])}"),
    ]
    if chosen:
        verdict = "kept" if chosen["kept"] else "dropped as a copy" if chosen["copy"] else "not kept"
        nearest = f"{chosen['nearest_real_id']}, patient {chosen['nearest_real_patient']}"
        lines.append(
            _line("selection", f"{verdict}; nearest real image {nearest}, distance {chosen['nearest_real_distance']:.3f}")
        )
    drawn_by = image["drawn_by"]
    return lines + [_line("trained", f"{one['path']}: {_trainings_words(one['trainings'])}") for one in drawn_by]


def _trainings_words(trainings: list[Plain]) -> str:
    """Who drew an image: the first few in full, of many the number."""
    if not trainings:
        return "none of them drew it"
    told = [
        f"{one['recipe']}, seed {one['seed']}"
        if "recipe" in one
        else f"{one.get('run', one['backbone'])}, rate {one['mixing_rate']:g}, fold {one['fold']}, seed {one['seed']}"
        for one in trainings
    ]
    return "; ".join(told[:SOME]) + (f"; and {len(told) - SOME} more" if len(told) > SOME else "")


def about_lines(about: Plain | None) -> list[Text]:
    """A file: what its card or its manifest row says."""
    if not about:
        return []
    if "image_ids" not in about:
        told = [f"{name} {value}" for name, value in about.items() if value is not None and "hash" not in name]
        return [_line("manifest", ", ".join(told))]
    fold = "" if about.get("fold") is None else f" of fold {about['fold']}"
    made = f"{about.get('kind', 'checkpoint')}{fold}, seed {about.get('seed')}, {about.get('steps')} steps"
    saw = f"{len(about['patient_ids'])} patients, {len(about['image_ids'])} images"
    return [
        _line("card", f"{made}, sha256 {short(about['checkpoint'])}"),
        _line("saw", f"{saw}: patients {', '.join(about['patient_ids'])}"),
    ]


def _line(name: str, words: str) -> Text:
    return Text.assemble((f"{name:<11}", "bold"), words)


def _few(names: list[str]) -> str:
    rest = len(names) - FEW
    return " ".join(names[:FEW]) + (f" and {rest} more" if rest > 0 else "")


def _device(run: Plain) -> str:
    threads = f"{run['threads']} thread{'' if run['threads'] == 1 else 's'}"
    return f"{run['device'] or 'cpu'}, {threads}"
