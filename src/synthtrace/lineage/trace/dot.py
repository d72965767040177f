"""A trace as a graph for Graphviz: data flow to the right, towards the target."""

from typing import Any

from synthtrace.lineage.trace.words import counts_words, short


def dot(traced: dict[str, Any]) -> str:
    """DOT of what `trace.trace` returned, with nothing left out; what the target does not rest on is grey, gates are dashed."""
    lines = [
        "digraph lineage {",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="sans-serif", fontsize=10];',
        '  edge [fontname="sans-serif", fontsize=8];',
        f"  target [shape=note, style=filled, fillcolor=lightyellow, label={_quoted(_target(traced))}];",
    ]
    focus = set(traced["focus"])
    for name, stage in traced["stages"].items():
        outs = [f"{out['path']} {short(out['digest'])} {counts_words([out['counts']])}".rstrip() for out in stage["outs"]]
        style = ", ".join(
            [f"label={_quoted(chr(10).join([name, *outs]))}"]
            + (['style="rounded,dashed"'] if stage["gate"] else [])
            + ([] if name in focus else ["color=gray", "fontcolor=gray"])
        )
        lines.append(f"  {_quoted(name)} [{style}];")
    for source in traced["sources"]:
        name = _quoted(f"{source['path']} {source['digest']}")
        label = f"{source['path']}\n{source['kind']} {short(source['digest'])} {counts_words([source['counts']])}".rstrip()
        lines.append(f"  {name} [shape=folder, label={_quoted(label)}];")
        if not traced["stages"]:
            lines.append(f"  {name} -> target;")
    for name, stage in traced["stages"].items():
        lines += [f"  {_quoted(source)} -> {_quoted(name)} [label={_quoted(path)}];" for source, path in _edges(stage)]
        lines += [f"  {_quoted(maker)} -> {_quoted(name)} [style=dotted, label=code];" for maker in stage["code_from"]]
    lines += [f"  {_quoted(name)} -> target;" for name in traced["made_by"]]
    return "\n".join([*lines, "}"]) + "\n"


def _edges(stage: dict[str, Any]) -> list[tuple[str, str]]:
    """(maker or source, path) of each dep, a maker once a path."""
    found: dict[tuple[str, str], None] = {}
    for dep in stage["deps"]:
        for name in [one["stage"] for one in dep["from"]] or [f"{dep['path']} {dep['digest']}"]:
            found[name, dep["path"]] = None
    return list(found)


def _target(traced: dict[str, Any]) -> str:
    lines = [traced["target"]]
    if traced["kind"] == "number":
        lines.append(f"= {'null' if traced['value'] is None else repr(traced['value'])}")
    if traced["kind"] == "image":
        image = traced["image"]
        lines.append(f"{image['label_name']}, seed {image['seed']}, checkpoint {short(image['checkpoint'])}")
        if image["condition"]:
            what = "pair" if image["condition_seed"] is None else "map"
            lines.append(f"{what} of {image['condition']['image_id']}, patient {image['condition']['patient_id']}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A DOT string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
