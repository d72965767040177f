"""The blocks refuse what cannot be trained."""

from typing import Any

import pytest
from pydantic import ValidationError
from toy_pairs import settings


@pytest.mark.parametrize(
    "changes",
    [
        {"evaluations": 41},
        {"architecture": "dpt"},
        {"batch_size": 1},
        {"validation_share": 1.0},
        {"falls_after": 1.5},
        {"epochs": 3},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_cannot_be_trained_is_refused(changes: dict[str, Any]) -> None:
    settings()
    with pytest.raises(ValidationError, match=next(iter(changes))):
        settings(**changes)
