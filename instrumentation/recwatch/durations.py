"""Durations as Prometheus writes them: `90s`, `5m`, `1h30m`, `60d`."""

import re
from datetime import timedelta

from recwatch.errors import DurationError

__all__ = ["format_duration", "parse_duration"]

# Prometheus's own units and their order (prometheus/common, model/time.go).
_SECONDS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PATTERN = re.compile(
    r"(?:(?P<y>\d+)y)?(?:(?P<w>\d+)w)?(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?(?:(?P<ms>\d+)ms)?",
    re.ASCII,
)


def parse_duration(text: str) -> timedelta:
    """Read a duration in Prometheus's notation.

    Args:
        text: such as `15s`, `1h30m` or `60d`; `0` is allowed and means none.

    Raises:
        DurationError: when the text is not a duration.
    """
    if text == "0":
        return timedelta()
    match = _PATTERN.fullmatch(text)
    if not text or match is None:
        raise DurationError(
            f"{text!r} is not a duration: write a number and a unit, such as 15s, 5m, 1h30m or 60d"
        )
    seconds = sum(int(value) * _SECONDS[unit] for unit, value in match.groupdict().items() if value)
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise DurationError(f"{text!r} is too long: write less than a million years") from None


def format_duration(duration: timedelta) -> str:
    """Write a duration in Prometheus's notation, exact to the millisecond: `parse_duration` reads it back.

    Raises:
        DurationError: when it is negative, which the notation cannot say.
    """
    left = round(duration.total_seconds() * 1000)
    if left < 0:
        raise DurationError(f"{duration} is negative: swap what it was measured between")
    if left == 0:
        return "0s"
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        size = round(_SECONDS[unit] * 1000)
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
