"""The expectations that our suites are made of: Great Expectations' own, each with a readable name and what to do.

A suite is a list of `ExpectationSuite`s, one a table of measurements. `severity` is Great Expectations' own: `critical` (the
default here) closes the gate, `warning` does not. Empty cells are not judged: a file that is missing has no brightness.
"""

from collections.abc import Sequence
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation


def table_suite(table: str, rows: Sequence[str], expectations: Sequence[Expectation]) -> gx.ExpectationSuite:
    """The expectations of one table; `rows` are the columns that tell a reader which row failed."""
    return gx.ExpectationSuite(name=table, expectations=list(expectations), meta={"rows": list(rows)})


def patients_known() -> gx.ExpectationSuite:
    """A warning wherever the folds cannot promise anything about patients; table `dataset`, one row."""
    todo = "Results may be too good: images of one patient can lie on both sides of a fold. Add patient ids if they exist."
    known = one_of("patient_ids", ["manifest"], "the data set has patient ids", todo, "warning")
    return table_suite("dataset", ["patient_ids"], [known])


def one_of(column: str, values: Sequence[Any], name: str, todo: str, severity: str = "critical") -> Expectation:
    """Every cell of the column is one of the values."""
    return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values), **_told(name, todo, severity))


def true(column: str, name: str, todo: str, severity: str = "critical") -> Expectation:
    """Every cell of the column is True."""
    return one_of(column, [True], name, todo, severity)


def empty(column: str, name: str, todo: str, severity: str = "critical") -> Expectation:
    """No cell of the column holds anything: it is filled where there is something to complain of."""
    return gxe.ExpectColumnValuesToBeNull(column=column, **_told(name, todo, severity))


def filled(column: str, name: str, todo: str, severity: str = "critical") -> Expectation:
    """Every cell of the column holds something."""
    return gxe.ExpectColumnValuesToNotBeNull(column=column, **_told(name, todo, severity))


def unique(column: str, name: str, todo: str, severity: str = "critical") -> Expectation:
    """No value stands twice in the column."""
    return gxe.ExpectColumnValuesToBeUnique(column=column, **_told(name, todo, severity))


def matches(column: str, pattern: str, name: str, todo: str, severity: str = "critical") -> Expectation:
    """Every cell of the column matches the regular expression."""
    return gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern, **_told(name, todo, severity))


def between(
    column: str,
    lowest: float | None,
    highest: float | None,
    name: str,
    todo: str,
    severity: str = "critical",
    share: float = 1.0,
) -> Expectation:
    """Every number of the column, or at least `share` of them, lies in [lowest, highest]; None: no bound."""
    return gxe.ExpectColumnValuesToBeBetween(
        column=column, min_value=lowest, max_value=highest, mostly=share, **_told(name, todo, severity)
    )


def readable(what: str, sizes: Sequence[str] | None, modes: Sequence[str], todo: str) -> list[Expectation]:
    """What is expected of every set of image files; columns of `measure.measure_images`.

    Args:
        what: the images' name in the expectations, plural ("scans").
        sizes: allowed "height x width", or None where any size is right.
        modes: allowed Pillow modes ("L": 8-bit grey, "RGB": 8-bit colour).
        todo: which stage writes the files anew.
    """
    expectations = [
        true("exists", f"{what} exist", f"The table names a file that is not there. {todo}"),
        empty("problem", f"{what} decode", f"The file is empty, truncated or no image. {todo}"),
        one_of("mode", modes, f"{what} are 8-bit {' or '.join(modes)}", f"The pixels are of another type. {todo}"),
    ]
    if sizes is not None:
        expectations.append(one_of("size", sizes, f"{what} are {' or '.join(sizes)}", f"The size is wrong. {todo}"))
    return expectations


def _told(name: str, todo: str, severity: str) -> dict[str, Any]:
    return {"meta": {"name": name, "todo": todo}, "severity": severity}
