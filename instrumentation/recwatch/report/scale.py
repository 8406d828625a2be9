"""Where the marks of a picture's axes stand. Pure."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

__all__ = ["time_ticks", "value_ticks"]

_WANTED = 4
_SMALLEST = 1e-200
"""A span that floats cannot be cut into parts any more."""
_LARGEST = 1e300
"""Beyond it a sum of floats may be infinite."""
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_TIME_STEPS = (
    *(5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY),
)
_MOST_TIMES = 7


def value_ticks(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """Return the ends of a value axis and its marks, at 1, 2 or 5 times a power of ten.

    The axis begins at 0, unless values lie close together far from it.

    Args:
        values: finite ones; none gives an axis from 0 to 1. It ends at 1e300: more cannot be divided.
    """
    values = [min(max(number, -_LARGEST), _LARGEST) for number in values]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if low > 0 and (high - low) > 0.25 * high:
        low = 0.0
    if high < 0 and (high - low) > -0.25 * low:
        high = 0.0
    if high - low < 1e-12 * max(abs(high), abs(low), _SMALLEST):
        # One value: an axis from 0 to it, or around 0.
        low, high = min(low, 0.0), max(high, 0.0)
        if high - low < _SMALLEST:
            low, high = 0.0, 1.0
    step = _nice((high - low) / _WANTED)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [number * step for number in range(first, last + 1)]
    return ticks[0], ticks[-1], ticks


def _nice(rough: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def time_ticks(start: float, end: float) -> list[tuple[float, str]]:
    """Return the marks of a time axis, at whole hours or days of UTC, with what to write at each."""
    step = next((step for step in _TIME_STEPS if (end - start) / step <= _MOST_TIMES), _TIME_STEPS[-1])
    first = math.ceil(start / step) * step
    pattern = "%a %d" if step == _DAY else "%d %b" if step > _DAY else "%H:%M"
    return [
        (float(at), f"{datetime.fromtimestamp(at, UTC):{pattern}}")
        for at in range(int(first), int(end) + 1, step)
    ]
