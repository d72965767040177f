"""How numbers read on the page: nulls are `n/a`, minus signs are minus signs, nothing non-zero is rounded to zero."""

import math
from typing import Any

MISSING = "n/a"


def is_number(value: Any) -> bool:
    """Whether a value from JSON or a table is a finite number (null and NaN are not)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def number(value: Any, digits: int = 3) -> str:
    """A number with fixed digits, or `n/a`."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}") if is_number(value) else MISSING


def compact(value: Any) -> str:
    """A number of any size to three digits or to the unit: `1043`, `10.4`, `0.0123`, or `n/a`."""
    if not is_number(value):
        return MISSING
    return (f"{value:.3g}" if abs(value) < 999.5 else f"{value:.0f}").replace("-", "\N{MINUS SIGN}")


def compact_interval(pair: Any) -> str:
    """`[98.1, 110]`, or `n/a`."""
    found = bounds(pair)
    return f"[{compact(found[0])}, {compact(found[1])}]" if found else MISSING


def mean_sd(block: dict[str, Any]) -> str:
    """`0.861 ± 0.011` from {"mean", "sd"}; one `n/a` where there is no mean."""
    mean = number(block.get("mean"))
    return mean if mean == MISSING else f"{mean} ± {number(block.get('sd'))}"


def with_interval(value: str, bracket: str) -> str:
    """A formatted number and its formatted interval; one `n/a` where both are missing."""
    return value if value == bracket else f"{value} {bracket}"


def signed(value: Any, digits: int = 3) -> str:
    """A difference with its sign; digits are added (up to 6) until what is not zero does not read as zero."""
    if not is_number(value):
        return MISSING
    while value and round(value, digits) == 0 and digits < 6:
        digits += 1
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def bounds(pair: Any) -> tuple[float, float] | None:
    """An interval [low, high] from JSON, or None where it or a bound of it is null."""
    if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(is_number(value) for value in pair):
        return float(pair[0]), float(pair[1])
    return None


def interval(pair: Any) -> str:
    """`[0.781, 0.912]`, or `n/a`."""
    found = bounds(pair)
    return f"[{number(found[0])}, {number(found[1])}]" if found else MISSING


def signed_interval(pair: Any) -> str:
    """`[−0.020, +0.050]`, or `n/a`."""
    found = bounds(pair)
    return f"[{signed(found[0])}, {signed(found[1])}]" if found else MISSING


def p_value(value: Any) -> str:
    """A p value to three digits, `< 0.001` below."""
    if is_number(value) and value < 0.001:
        return "< 0.001"
    return number(value)


def finite(value: Any) -> float | None:
    """A number as a float, or None where it is missing."""
    return float(value) if is_number(value) else None


def share(part: int, whole: int) -> str:
    """A share in per cent, or `n/a` of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else MISSING


FILTERS = {
    "number": number,
    "mean_sd": mean_sd,
    "signed": signed,
    "interval": interval,
    "signed_interval": signed_interval,
    "p_value": p_value,
    "compact": compact,
    "compact_interval": compact_interval,
}
