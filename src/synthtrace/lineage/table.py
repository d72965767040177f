"""An audit for people: a line a check as it ends, its findings below it, a sentence at the end."""

from rich.console import Console
from rich.text import Text

from synthtrace.lineage.findings import Outcome, Severity, Status

MOST = 12

STYLES: dict[Status | Severity, str] = {"pass": "green", "fail": "bold red", "warn": "yellow", "skip": "dim", "note": "dim"}


class Shown:
    """Prints outcomes one by one."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self._console = console if console.is_terminal else Console(width=140, highlight=False)

    def add(self, outcome: Outcome) -> None:
        """A check's line, then up to MOST findings, the worst first."""
        line = Text(f"{outcome.id:<13}")
        line.append(f"{outcome.status:<5}", STYLES[outcome.status])
        line.append(f"{outcome.seconds:6.1f} s  ", "dim")
        line.append(outcome.promise)
        self._console.print(line)
        order = ["fail", "warn", "note"]
        findings = sorted(outcome.findings, key=lambda finding: order.index(finding.severity))
        for finding in findings[:MOST]:
            self._console.print(Text(f"  {finding.severity}: {finding.message}", STYLES[finding.severity]))
        if len(findings) > MOST:
            self._console.print(Text(f"  ... and {len(findings) - MOST} more; --json lists all", "dim"))

    def end(self, outcomes: list[Outcome]) -> None:
        """The sum in one sentence."""
        counts = {status: sum(outcome.status == status for outcome in outcomes) for status in ("pass", "warn", "fail", "skip")}
        said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        verdict = "something does not hold" if counts["fail"] else "all that was checked holds"
        self._console.print(Text(f"{verdict}: {said}", "bold red" if counts["fail"] else "bold"))
