"""The campaign's size and its tally; a pipeline of seconds, run once and copied for each test that changes it."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from mutations import all_mutations
from toy import build

CASE = re.compile(r"test_campaign\.py::test_it_is_caught_by_the_named_check\[(\w+): ")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-variant", action="store_true", help="try every variant of a mutation, not the first alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "mutation" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-variant", default=False)
        cases = [(one, seed) for one in all_mutations() for seed in range(one.variants if every else 1)]
        names = [f"{one.check}: {one.name} #{seed}" for one, seed in cases]
        metafunc.parametrize(("mutation", "seed"), cases, ids=names)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tried: dict[str, Counter[str]] = {}
    also: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            if report.when == "call" and (case := CASE.search(report.nodeid)):
                tried.setdefault(case[1], Counter())[outcome] += 1
                also.update(name for key, names in report.user_properties if key == "unforeseen" for name in names)
    if tried:
        terminalreporter.section("mutation campaign: changes caught by the named check")
        for check, counts in tried.items():
            terminalreporter.write_line(f"{check:<14}{counts['passed']} of {counts.total()}")
        caught, total = (sum(count) for count in zip(*((one["passed"], one.total()) for one in tried.values()), strict=True))
        terminalreporter.write_line(f"{'all':<14}{caught} of {total}")
        for check, count in also.items():
            terminalreporter.write_line(f"{check} joined in {count} that its mutation does not foresee")


@pytest.fixture(scope="session")
def finished_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("toy") / "study")


@pytest.fixture
def toy(finished_toy: Path, tmp_path: Path) -> Path:
    """The folder of a finished toy study, to be changed at will."""
    shutil.copytree(finished_toy, tmp_path / "study")
    shutil.copy(finished_toy.parent / "outside.csv", tmp_path)
    return tmp_path / "study"
