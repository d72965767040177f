"""The mutation campaign's options and its tally (the campaign itself stands in tests/lineage)."""

import re
from collections import Counter

import pytest

CASE = re.compile(r"test_campaign\.py::test_it_is_caught_by_the_named_check\[(\w+): ")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much of the campaign is run, and on which study."""
    parser.addoption("--every-variant", action="store_true", help="try every variant of a mutation, not the first alone")
    parser.addoption("--study", choices=["phantom", "byra"], default="phantom", help="the study that mutations are tried on")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """How many changes were caught, by check, and which checks joined in."""
    tried: dict[str, Counter[str]] = {}
    also: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            if report.when == "call" and (case := CASE.search(report.nodeid)):
                tried.setdefault(case[1], Counter())[outcome] += 1
                also.update(name for key, names in report.user_properties if key == "unforeseen" for name in names)
    if tried:
        study = config.getoption("--study")
        terminalreporter.section(f"mutation campaign on {study}: changes caught by the named check")
        for check, counts in sorted(tried.items()):
            terminalreporter.write_line(f"{check:<14}{counts['passed']} of {counts.total()}")
        caught, total = (sum(count) for count in zip(*((one["passed"], one.total()) for one in tried.values()), strict=True))
        terminalreporter.write_line(f"{'all':<14}{caught} of {total}")
        for check, count in sorted(also.items()):
            terminalreporter.write_line(f"{check} joined in {count} that its mutation does not foresee")
