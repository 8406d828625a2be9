"""How values look in a table. Pure functions."""

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime

__all__ = ["NOTHING", "duration", "moment", "number", "percent", "printable", "sparkline"]

NOTHING = "-"
_BARS = "▁▂▃▄▅▆▇█"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def printable(text: str) -> str:
    r"""A text without anything that a terminal obeys: control characters are written as `\x1b`."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def number(value: float | None) -> str:
    """Four significant digits, more for whole numbers; a dash for nothing."""
    if value is None:
        return NOTHING
    if float(value).is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - beyond, a float is no exact integer
        return f"{int(value)}"
    return f"{value:#.4g}".rstrip(".")


def percent(value: float | None) -> str:
    """With its sign and one decimal: `+12.3 %`; a dash for nothing."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:+.1f} %"


def duration(seconds: float | None) -> str:
    """The two largest units: `4m 05s`; a dash for nothing."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return NOTHING
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR:02}h"


def moment(at: datetime | None) -> str:
    """To the second, in UTC; a dash for nothing."""
    return NOTHING if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def sparkline(values: Sequence[float | None], width: int = 40) -> str:
    """A line of bars from the least to the greatest value; a blank where a value is missing or not finite.

    Args:
        values: shape (n,), in order.
        width: at most so many bars; more values than that are averaged in equal stretches.
    """
    known = [value if value is not None and math.isfinite(value) else None for value in values]
    count = min(width, len(known))
    cuts = [round(index * len(known) / count) for index in range(count + 1)] if count else []
    means = [_mean(known[start:stop]) for start, stop in itertools.pairwise(cuts)]
    present = [value for value in means if value is not None]
    if not present:
        return " " * count
    low, high = min(present), max(present)
    span = high - low
    return "".join(
        " " if value is None else _BARS[round((value - low) / span * (len(_BARS) - 1)) if span > 0 else 3]
        for value in means
    )


def _mean(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return math.fsum(present) / len(present) if present else None
