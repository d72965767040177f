"""Write the tables of docs/results.md from the evidence below results/: no figure in them is typed.

    python docs/make_results.py

Each preset's section stands between two marker comments; the words around the markers are people's.
"""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "results.md"


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """A figure for a table, or n/a."""
    return "n/a" if value is None else f"{value:{'+' if sign else ''}.{digits}f}"


def interval(pair: list[float | None], sign: bool = False) -> str:
    """An interval for a table."""
    return f"{number(pair[0], sign=sign)} to {number(pair[1], sign=sign)}"


def scenario_row(name: str, scenario: dict[str, Any]) -> str:
    """One row of the table of scenarios."""
    image, patient, versus = scenario["auc_image"], scenario["auc_patient"], scenario.get("versus_real")
    cells = [
        name,
        f"{number(image['mean'])} ± {number(image['sd'])}",
        interval(image["ci95"]),
        f"{number(patient['mean'])} ± {number(patient['sd'])}",
        interval(patient["ci95"]),
        number(versus["difference"], sign=True) if versus else "",
        interval(versus["ci95"], sign=True) if versus else "",
        f"{number(versus['t'], 2)}, {number(versus['p'])}" if versus else "",
    ]
    return "| " + " | ".join(cells) + " |"


def pools_table(evidence: Path) -> list[str]:
    """Kept images of every pool, from what the pools gate observed."""
    lines = []
    for path in sorted((evidence / "metrics" / "quality").glob("pools*.json")):
        verdict = json.loads(path.read_text())
        failed = [one["name"] for one in verdict["expectations"] if not one["pass"]]
        lines.append(f"Gate {path.stem}: {'open' if verdict['pass'] else 'closed'}; warnings: {', '.join(failed) or 'none'}.")
    return lines


def section(preset: str) -> str:
    """The generated part of a preset's section."""
    evidence = ROOT / "results" / preset
    summary = json.loads((evidence / "metrics" / "summary.json").read_text())
    records = [json.loads(path.read_text()) for path in sorted((evidence / "records").rglob("*.json"))]
    runs = {(record["stage"], record["started"]): record["seconds"] for record in records}
    devices = sorted({record["device"] for record in records if "device" in record})
    threads = sorted({record["threads"] for record in records})
    lines = [
        f"Command: `make results PRESET={preset}`. Evidence: `results/{preset}/`.",
        "",
        f"{summary['patients']} patients, {summary['images']} images, {summary['seeds']} seeds, mixing rate "
        f"{summary['mixing_rate']}; device {', '.join(devices)}, {', '.join(map(str, threads))} thread(s) a stage, "
        f"{sum(runs.values()) / 60:.0f} minutes of stage time in all.",
        "",
        "| scenario | AUC, images: mean ± sd over seeds | 95% interval | AUC, patients: mean ± sd | 95% interval "
        "| versus real, images | 95% interval | t, p over seeds |",
        "|---|---|---|---|---|---|---|---|",
        *(scenario_row(name, scenario) for name, scenario in summary["scenarios"].items()),
        "",
        "Intervals are patient-level bootstraps; the one of the difference is paired and carries the claim. t and p are the "
        "paired test over seeds, which are not independent patients.",
        "",
        *pools_table(evidence),
    ]
    return "\n".join(lines)


def render(page: str) -> str:
    """The page with every marked section made anew."""

    def fill(match: re.Match[str]) -> str:
        return f"<!-- begin {match[1]} -->\n\n{section(match[1])}\n\n<!-- end {match[1]} -->"

    return re.sub(r"<!-- begin ([\w-]+) -->.*?<!-- end \1 -->", fill, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
