"""Each way of breaking a promise is tried on a real run of the small pipeline: the named check catches it, never all do."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from mutation import Mutation, outcomes
from pipeline_clone import Clone

# of twelve checks: a change that would set off more tells a reader nothing
MOST = 8


def failed(clone: Clone, options: dict[str, bool]) -> set[str]:
    return {outcome.id for outcome in outcomes(clone, **options).values() if outcome.status == "fail"}


def test_a_clean_run_raises_no_alarm(campaigned: Clone) -> None:
    found = outcomes(campaigned)
    assert {name: outcome.findings for name, outcome in found.items() if outcome.status not in ("pass", "skip")} == {}


def test_it_is_caught_by_the_named_check(
    campaigned: Clone, tmp_path: Path, mutation: Mutation, seed: int, record_property: Callable[[str, object], None]
) -> None:
    clone = campaigned.copied(tmp_path / "clone")
    mutation.apply(clone, np.random.default_rng([seed, *mutation.name.encode()]))
    found = failed(clone, mutation.options)
    record_property("unforeseen", sorted(found - {mutation.check} - mutation.also))
    assert mutation.check in found
    assert len(found) <= MOST
