"""Write the tables of docs/results.md from the evidence below results/: no figure in them is typed, but for the paper's own.

    python docs/make_results.py

A generated part stands between two marker comments, `<!-- begin NAME -->` and `<!-- end NAME -->`; the words around them are
people's. NAME is a preset with evidence in `results/NAME/`, or `benchmarks` (of `results/benchmarks/*.json`), or `paper` (what
paper 0 states), `paper2`, `paper3` or `paper4` (their tables beside our cells of them). The evidence says which study a preset
is of.
"""

import json
import re
from pathlib import Path
from typing import Any

import results_benchmarks
import results_paper
import results_paper2
import results_paper3
import results_paper4
import results_segmentation
import results_tables

ROOT = Path(__file__).parents[1]
OF_PAPERS = {"paper2": results_paper2.section, "paper3": results_paper3.section, "paper4": results_paper4.section}
PAGE = ROOT / "docs" / "results.md"


def preset_section(evidence: Path) -> list[str]:
    """The generated part of a preset's section: as many of the tables as its evidence has figures for."""
    metrics = evidence / "metrics"
    summary = json.loads((metrics / "summary.json").read_text())
    records = [json.loads(path.read_text()) for path in sorted((evidence / "records").rglob("*.json"))]
    runs = {(record["stage"], record["started"]): record["seconds"] for record in records}
    devices = sorted({record["device"] for record in records if "device" in record})
    threads = sorted({record["threads"] for record in records})
    if "recipes" in summary:
        size, tables = results_segmentation.size(evidence, summary), results_segmentation.tables(evidence, summary)
    else:
        size, tables = results_tables.size(summary), classifier_tables(metrics, summary)
    return [
        f"Command: `make results PRESET={evidence.name}`. Evidence: `results/{evidence.name}/`.",
        "",
        f"{size}; device {', '.join(devices)}, {', '.join(map(str, threads))} thread(s) a stage, "
        f"{sum(runs.values()) / 60:.0f} minutes of stage time in all.",
        "",
        *tables,
    ]


def classifier_tables(metrics: Path, summary: dict[str, Any]) -> list[str]:
    """The main study's tables."""
    return [
        *results_tables.scenarios(summary),
        *results_tables.other_tests(summary),
        *results_tables.baselines(summary),
        *results_tables.curve(metrics),
        *results_tables.fidelity(metrics),
        *results_tables.explanations(metrics),
        *results_tables.gates(metrics),
    ]


def section(name: str, results: Path) -> str:
    """The generated part between the markers of `name`."""
    if name == "paper":
        lines = results_paper.section()
    elif name in OF_PAPERS:
        lines = OF_PAPERS[name](results)
    elif name == "benchmarks":
        lines = results_benchmarks.section(results / name)
    else:
        lines = preset_section(results / name)
    return "\n".join(lines).rstrip()


def render(page: str, results: Path = ROOT / "results") -> str:
    """The page with every marked part made anew."""

    def fill(match: re.Match[str]) -> str:
        return f"<!-- begin {match[1]} -->\n\n{section(match[1], results)}\n\n<!-- end {match[1]} -->"

    return re.sub(r"<!-- begin ([\w-]+) -->.*?<!-- end \1 -->", fill, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
