"""How values are written. Pure."""

import math
from datetime import UTC, datetime
from typing import Literal

__all__ = ["NOTHING", "Unit", "change", "difference", "duration", "moment", "stamp", "value"]

Unit = Literal["seconds", "ratio", "count", "rate", "number"]

NOTHING = "-"
"""Where there is no value."""
_MILLION, _MILLIARD = 1e6, 1e9
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_NEARLY = 0.99
_SAME = 0.005
"""Changes smaller than this are none."""
_MOST_DAYS = 1e6
_MOST_DIGITS = 1e15


def value(number: float | None, unit: Unit) -> str:
    """Write a value with its unit; a dash for none.

    `ratio` becomes percent, `seconds` milliseconds to days, `count` a whole number with a comma each three
    digits, `rate` something a second.
    """
    if number is None or not math.isfinite(number):
        return NOTHING
    match unit:
        case "seconds":
            return duration(number)
        case "ratio":
            # 99.95 % is not 100 %.
            nearly = _NEARLY <= number < 1
            return f"{f'{number * 100:.3f}'.rstrip('0').rstrip('.') if nearly else _figures(number * 100)} %"
        case "count":
            return _count(number)
        case "rate":
            return f"{_figures(number)}/s"
    return _figures(number)


def duration(seconds: float) -> str:
    """Write a length of time in one unit or the two largest: `0.8 ms`, `240 ms`, `1.5 s`, `3 h 20 min`."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < _MINUTE:
        return f"{_figures(seconds * 1000)} ms" if 0 < seconds < 1 else f"{_figures(seconds)} s"
    if seconds >= _MOST_DAYS * _DAY:
        return f"{_figures(seconds / _DAY)} d"
    whole = round(seconds)
    for size, unit, smaller, word in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {word}" if rest else "")
    return f"{whole} s"


def change(new: float | None, old: float | None) -> str:
    """Write how a value changed: `▲ 8 %`, `▼ 12 %`; empty where it did not, or nobody knows."""
    if new is None or old is None or not (math.isfinite(new) and math.isfinite(old)) or old == 0:
        return ""
    by = (new - old) / abs(old)
    if abs(by) < _SAME:
        return ""
    if abs(by) >= 10:  # noqa: PLR2004 - from here on, nobody thinks in percent
        return f"{'▲' if by > 0 else '▼'} to the {_figures(new / old)}-fold" if new / old > 0 else "▲▼"
    return f"{'▲' if by > 0 else '▼'} {abs(by) * 100:.0f} %"


def difference(new: float | None, old: float | None) -> str:
    """Write how a ratio changed, in percentage points: `▼ 12 points`; empty as for `change`."""
    if new is None or old is None or not (math.isfinite(new) and math.isfinite(old)):
        return ""
    by = (new - old) * 100
    return f"{'▲' if by > 0 else '▼'} {_figures(abs(by))} points" if abs(by) >= 100 * _SAME else ""


def moment(at: float) -> str:
    """Write a moment to the minute, in UTC: `2026-11-21 07:00`.

    Prometheus may hold any number, such as milliseconds that a trainer pushed: that is `no date: 1.7e+12`.
    """
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return f"no date: {at:.3g}"


def stamp(at: float) -> str:
    """Write a moment for machines: `2026-11-21T07:00:00Z`."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _count(number: float) -> str:
    if abs(number) >= _MOST_DIGITS:
        return _figures(number)
    whole = round(number)
    if abs(whole) >= _MILLIARD:
        return f"{number / _MILLIARD:.2f} G"
    return f"{number / _MILLION:.2f} M" if abs(whole) >= _MILLION else f"{whole:,}"


def _figures(number: float) -> str:
    """Three significant digits, without zeros at the end; whole numbers in full."""
    size = abs(number)
    if size >= _MILLION:
        return f"{number:.3g}"
    if size >= 100:  # noqa: PLR2004 - three digits before the point
        return f"{number:,.0f}"
    if 0 < size < 0.001:  # noqa: PLR2004 - from here on, zeros say nothing
        return f"{number:.1e}"
    return f"{float(f'{number:.3g}'):g}"
