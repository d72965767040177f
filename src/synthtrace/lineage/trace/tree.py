"""A trace for people: a tree back to raw scans, each stage once, where it is read first; matrix items together."""

from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from synthtrace.lineage.pipeline import within
from synthtrace.lineage.trace.lines import about_lines, head, image_lines, outs_line, params_line, run_line, source_line
from synthtrace.lineage.trace.words import items_words, together

Plain = dict[str, Any]
MOST = 12


def show(traced: Plain) -> None:
    """Print what `trace.trace` returned."""
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=150, highlight=False)
    console.print(tree_of(traced))
    for note in traced["notes"][:MOST]:
        console.print(Text(f"note: {note}", "yellow"))
    if len(traced["notes"]) > MOST:
        console.print(Text(f"... and {len(traced['notes']) - MOST} notes more; --json has them all", "dim"))
    console.print(Text("digests are those of dvc.lock; `synthtrace audit` proves them, --json has them whole", "dim"))


def tree_of(traced: Plain) -> Tree:
    """The tree of a trace."""
    tree = Tree(head(traced), guide_style="dim")
    for line in image_lines(traced["image"]) if traced["kind"] == "image" else about_lines(traced.get("about")):
        tree.add(line)
    groups = _Groups(traced)
    for base in groups.roots:
        groups.hang(tree, base)
    for base in groups.apart:
        groups.hang(tree, base)
    if not groups.roots:
        for source in traced["sources"]:
            tree.add(source_line(source))
    return tree


class _Groups:
    """The stages of a trace's focus, items of a matrix together, and where each hangs: under the nearest reader."""

    def __init__(self, traced: Plain) -> None:
        self._traced = traced
        self._members: dict[str, list[str]] = {}
        for name in traced["focus"]:
            self._members.setdefault(_base(name), []).append(name)
        order = {name: place for place, name in enumerate(traced["stages"])}
        for names in self._members.values():
            names.sort(key=order.__getitem__)
        code = {_base(name) for names in self._members.values() for stage in names for name in self._stage(stage)["code_from"]}
        self.roots = list(dict.fromkeys(map(_base, traced["made_by"])))
        self.apart = [base for base in self._members if base in code and base not in self.roots]
        self._above = {base: self._makers(base) for base in self._members}
        depths: dict[str, int] = {}
        for makers in self._above.values():
            makers.sort(key=lambda maker: (self._gate(maker), self._depth(maker, depths)))
        self._children: dict[str, list[str]] = {base: [] for base in self._members}
        self._place()

    def _stage(self, name: str) -> Plain:
        return self._traced["stages"][name]

    def _makers(self, base: str) -> list[str]:
        """Groups whose outs a group reads; sorted later, from the raw end to the near one, gates last."""
        deps = [dep for name in self._members[base] for dep in self._stage(name)["deps"]]
        makers = {_base(one["stage"]) for dep in deps for one in dep["from"]}
        return [maker for maker in self._members if maker in makers and maker not in (base, *self.apart)]

    def _gate(self, base: str) -> bool:
        return self._stage(self._members[base][0])["gate"]

    def _depth(self, base: str, known: dict[str, int]) -> int:
        """Length of the longest way from a group back to a source."""
        if base not in known:
            known[base] = max((1 + self._depth(maker, known) for maker in self._above[base]), default=0)
        return known[base]

    def _place(self) -> None:
        """Hang every group under a reader, level by level, so that the tree stays shallow."""
        placed, waiting = set(self.roots) | set(self.apart), list(self.roots)
        while waiting:
            base = waiting.pop(0)
            for maker in self._above[base]:
                if maker not in placed:
                    placed.add(maker)
                    self._children[base].append(maker)
                    waiting.append(maker)

    def hang(self, tree: Tree, base: str) -> None:
        """Add a group and what hangs under it."""
        branch = tree.add(self._text(base))
        for source in self._traced["sources"]:
            if set(source["read_by"]) & set(self._members[base]):
                branch.add(source_line(source))
        for child in self._children[base]:
            self.hang(branch, child)

    def _text(self, base: str) -> Text:
        names = self._members[base]
        stages = [self._stage(name) for name in names]
        text = Text(items_words(names), "bold cyan")
        text.append(f"  {stages[0]['does'] or ''}", "italic")
        if self._gate(base) and base not in self.roots:
            outs = [out for stage in stages for out in stage["outs"] if out["path"].startswith("data/gates/")]
            text.append("\n").append_text(outs_line(outs))
            return text
        for place in range(len(stages[0]["outs"])):
            outs = [stage["outs"][place] for stage in stages]
            if self._shown(outs[0]["path"], base):
                text.append("\n→ ").append_text(outs_line(outs))
        if params := params_line(stages):
            text.append("\nparams ", "dim").append(params)
        text.append(f"\n{together([stage['command'] for stage in stages])} · {run_line(stages)}", "dim")
        elsewhere = [maker for maker in self._above[base] if maker not in self._children[base]]
        if elsewhere:
            text.append(f"\nreads {', '.join(items_words(self._members[maker]) for maker in elsewhere)} too", "dim")
        return text

    def _shown(self, path: str, base: str) -> bool:
        """Outs that someone in the focus reads; of a root, the one traced."""
        if base in self.roots:
            return within(self._traced["path"], path) or within(path, self._traced["path"])
        used = [dep["path"] for names in self._members.values() for name in names for dep in self._stage(name)["deps"]]
        return base in self.apart or any(within(path, dep) or within(dep, path) for dep in used)


def _base(stage: str) -> str:
    return stage.split("@")[0]
