"""Layout of the pipeline's graph, top to bottom and narrow enough for a phone; `templates/figures.html.j2` draws it.

Layers by the longest path to the end (each stage as late as it can be, so that parallel ones stand side by side) and order
inside a layer by the means of the neighbours' positions (Sugiyama, Tagawa and Toda 1981); places by least squares of the lines'
horizontal spans, with the weights of Gansner, Koutsofios, North and Vo (1993).
"""

from itertools import combinations, pairwise
from typing import Any

from synthtrace.report.pipeline import PipelineStage, graph

GAP = 10.0
SPACE = 26
NODE_HEIGHT, LINE = 28, 17
GATE = "check_"
BEND = 6.0
CHARACTER = 6.3
SWEEPS = 100
STRAIGHT = (8.0, 2.0, 1.0)  # how strongly a line is kept upright: between two bends, a bend and a node, two nodes


def layers(parents: dict[str, set[str]]) -> dict[str, int]:
    """Layer of every node, 0 on top: the longest path's length minus the longest path from the node to an end."""
    children: dict[str, list[str]] = {name: [] for name in parents}
    for name, found in parents.items():
        for parent in found:
            children[parent].append(name)

    def height(name: str) -> int:
        return max((1 + height(child) for child in children[name]), default=0)

    heights = {name: height(name) for name in parents}
    return {name: max(heights.values()) - value for name, value in heights.items()}


def _chains(parents: dict[str, set[str]], layer: dict[str, int]) -> list[list[str]]:
    """Every edge as a chain of nodes a layer apart, with a bend of its own in each layer that it crosses."""
    return [
        [parent, *(f"{parent}>{name}>{level}" for level in range(layer[parent] + 1, layer[name])), name]
        for name, found in parents.items()
        for parent in sorted(found)
    ]


def _crossings(rows: list[list[str]], below: dict[str, list[str]]) -> int:
    """How many pairs of lines between neighbouring layers cross."""
    count = 0
    for upper, lower in pairwise(rows):
        position = {name: index for index, name in enumerate(lower)}
        lines = [(index, position[child]) for index, name in enumerate(upper) for child in below[name]]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(lines, 2))
    return count


def _order(rows: list[list[str]], above: dict[str, list[str]], below: dict[str, list[str]]) -> list[list[str]]:
    """Rows with few crossings: sorted down by the parents' mean position, up by the children's, the best of several sweeps."""
    best = rows
    for start in (rows, [row[::-1] for row in rows]):
        current = start
        for sweep in range(8):
            near, direction = (above, 1) if sweep % 2 == 0 else (below, -1)
            current = current[::direction]
            for index in range(1, len(current)):
                position = {name: place for place, name in enumerate(current[index - 1])}
                means = {
                    name: sum(position[other] for other in near[name]) / len(near[name]) if near[name] else float(place)
                    for place, name in enumerate(current[index])
                }
                current = [*current[:index], sorted(current[index], key=means.__getitem__), *current[index + 1 :]]
            current = current[::direction]
            if _crossings(current, below) < _crossings(best, below):
                best = current
    return best


def _settle(row: list[str], wish: dict[str, float], weight: dict[str, float], width: dict[str, float]) -> dict[str, float]:
    """Places nearest to the wished ones by weighted squares, in order and without overlap (pool adjacent violators)."""
    offset = [0.0]
    for one, other in pairwise(row):
        offset.append(offset[-1] + (width[one] + width[other]) / 2 + GAP)
    pools: list[tuple[float, float, int]] = []  # mean wish less offset, weight, number of nodes
    for name, distance in zip(row, offset, strict=True):
        mean, mass, size = wish[name] - distance, weight[name], 1
        while pools and pools[-1][0] > mean:
            other_mean, other_mass, other_size = pools.pop()
            mean = (mean * mass + other_mean * other_mass) / (mass + other_mass)
            mass, size = mass + other_mass, size + other_size
        pools.append((mean, mass, size))
    means = [mean for mean, _, size in pools for _ in range(size)]
    return {name: mean + distance for name, mean, distance in zip(row, means, offset, strict=True)}


def place(parents: dict[str, set[str]], widths: dict[str, float], heights: dict[str, int]) -> dict[str, Any]:
    """Nodes' boxes and edges' paths, of nodes with these sizes.

    Returns {"width", "height", "nodes": {name: (x, y)} (top left corners), "edges": [path data]}.
    """
    layer = layers(parents)
    chains = _chains(parents, layer)
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for name, level in layer.items():
        rows[level].append(name)
    for chain in chains:
        for level, bend in enumerate(chain[1:-1], layer[chain[0]] + 1):
            rows[level].append(bend)
    above: dict[str, list[str]] = {name: [] for row in rows for name in row}
    below: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for one, other in (link for chain in chains for link in pairwise(chain)):
        below[one].append(other)
        above[other].append(one)
    rows = _order(rows, above, below)
    width = {name: widths.get(name, BEND) for name in above}
    x = {name: 60.0 * index for row in rows for index, name in enumerate(row)}
    pull = {
        name: [(other, STRAIGHT[(name in layer) + (other in layer)]) for other in above[name] + below[name]] or [(name, 1.0)]
        for name in above
    }
    weight = {name: sum(force for _, force in found) for name, found in pull.items()}
    for _ in range(SWEEPS):
        for row in [*rows, *reversed(rows)]:
            wish = {name: sum(force * x[other] for other, force in pull[name]) / weight[name] for name in row}
            x.update(_settle(row, wish, weight, width))
    shift = min(x[name] - width[name] / 2 for name in x) - 1
    x = {name: value - shift for name, value in x.items()}
    y: dict[str, int] = {}
    height: dict[str, int] = {}
    top = 1
    for row in rows:
        tallest = max(heights.get(name, 0) for name in row)
        y |= dict.fromkeys(row, top)
        height |= {name: heights.get(name, tallest) for name in row}
        top += tallest + SPACE
    return {
        "width": round(max(x[name] + width[name] / 2 for name in x) + 1, 1),
        "height": top - SPACE + 1,
        "nodes": {name: (round(x[name] - width[name] / 2, 1), y[name]) for name in parents},
        "edges": [_path(chain, x, y, height) for chain in chains],
    }


def _path(chain: list[str], x: dict[str, float], y: dict[str, int], height: dict[str, int]) -> str:
    """A smooth line from the first node's foot, straight through the bends' layers, to the last node's head."""
    path = f"M{x[chain[0]]:.1f} {y[chain[0]] + height[chain[0]]}"
    for one, other in pairwise(chain):
        top, bottom = y[one] + height[one], y[other]
        middle = (top + bottom) / 2
        path += f"C{x[one]:.1f} {middle:.1f} {x[other]:.1f} {middle:.1f} {x[other]:.1f} {bottom}"
        if other != chain[-1]:
            path += f"V{bottom + height[other]}"
    return path


def alike(parents: dict[str, set[str]]) -> dict[str, list[str]]:
    """Nodes that have the same parents and children, under the first of them; gates by themselves."""
    children: dict[str, set[str]] = {name: {child for child in parents if name in parents[child]} for name in parents}
    found: dict[tuple, list[str]] = {}
    for name in parents:
        found.setdefault((frozenset(parents[name]), frozenset(children[name]), name.startswith(GATE)), []).append(name)
    return {names[0]: names for names in found.values()}


def diagram(stages: list[PipelineStage]) -> dict[str, Any]:
    """The pipeline's graph laid out: a box a stage, stages with the same arrows in one box, which keeps it narrow.

    Stages that write only parameter files stand apart, undrawn.
    """
    files = {file for stage in stages for file in stage.param_files}
    apart = [stage for stage in stages if stage.outs and all(out in files for out in stage.outs)]
    labels = {stage.name: stage.label for stage in stages if stage not in apart}
    parents = {name: found & labels.keys() for name, found in graph(stages).items() if name in labels}
    stacks = alike(parents)
    widths = {name: 16 + CHARACTER * max(len(labels[one]) for one in names) for name, names in stacks.items()}
    heights = {name: NODE_HEIGHT + LINE * (len(names) - 1) for name, names in stacks.items()}
    placed = place({name: parents[name] & stacks.keys() for name in stacks}, widths, heights)
    boxes = [
        {"names": names, "labels": [labels[one] for one in names], "gate": name.startswith(GATE)}
        | {"x": placed["nodes"][name][0], "y": placed["nodes"][name][1], "width": widths[name], "height": heights[name]}
        for name, names in stacks.items()
    ]
    return {**placed, "boxes": boxes, "line": LINE, "stages": stages, "apart": apart}
