"""What a check says."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from synthtrace.errors import InputError

Severity = Literal["fail", "warn", "note"]
Status = Literal["pass", "fail", "warn", "skip"]


@dataclass(frozen=True)
class Finding:
    """One sentence on one thing. A `note` reports what was measured and leaves the status alone."""

    severity: Severity
    message: str
    path: str | None = None


def fail(message: str, path: str | None = None) -> Finding:
    """The promise is broken."""
    return Finding("fail", message, path)


def warn(message: str, path: str | None = None) -> Finding:
    """The promise could not be shown to hold, or holds with a reservation."""
    return Finding("warn", message, path)


def note(message: str, path: str | None = None) -> Finding:
    """A figure, whatever the status."""
    return Finding("note", message, path)


class SkippedError(Exception):
    """Raised by a check that does not apply; its text says why."""


@dataclass(frozen=True)
class Outcome:
    """A check's verdict."""

    id: str
    promise: str
    status: Status
    findings: list[Finding]
    seconds: float

    def plain(self) -> dict[str, Any]:
        """As JSON: id, promise, status, findings and seconds."""
        return asdict(self)


def status_of(findings: list[Finding]) -> Status:
    """The worst that was found."""
    severities = {finding.severity for finding in findings}
    return "fail" if "fail" in severities else "warn" if "warn" in severities else "pass"


def told_once(parts: Iterable[Callable[[], Iterable[Finding]]]) -> Iterator[Finding]:
    """Findings of the parts of a check, none twice; a part that cannot be read is a finding and leaves the others standing."""
    told: set[str] = set()
    for part in parts:
        try:
            for finding in part():
                if finding.message not in told:
                    told.add(finding.message)
                    yield finding
        except (InputError, OSError) as error:
            if str(error) not in told:
                told.add(str(error))
                yield fail(str(error))


def further(count: int, noun: str) -> str:
    """What stands behind the first of several named things: nothing for none, " (and 1 more row)", " (and 2 more rows)"."""
    return f" (and {count} more {noun}{'s' if count > 1 else ''})" if count > 0 else ""


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names in a sentence: the first `most` of them, and how many more there are."""
    every = list(dict.fromkeys(names))
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest} more" if rest > 0 else "")
