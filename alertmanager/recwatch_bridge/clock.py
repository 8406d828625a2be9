"""The wall clock as the store keeps it: seconds since the epoch, UTC."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Returns now, in seconds since the epoch; tests hand in their own."""

wall: Clock = time.time


def moment(seconds: float) -> datetime:
    """Return seconds since the epoch as an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def iso(seconds: float | None) -> str | None:
    """Write a moment as ISO 8601 in UTC, to the millisecond; None stays None."""
    if seconds is None:
        return None
    return moment(seconds).isoformat(timespec="milliseconds")


def readable(at: datetime | float) -> str:
    """Write a moment (or seconds since the epoch) for a person: `2026-11-21 03:15:00 UTC`."""
    at = at if isinstance(at, datetime) else moment(at)
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def lasting(seconds: float) -> str:
    """Write a length of time for a person, in its two largest units: `44 s`, `20 min`, `3 h 20 min`."""
    whole = max(int(seconds), 0)
    minutes, hours, days = whole // 60, whole // 3_600, whole // 86_400
    if days:
        return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"
    if hours:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{minutes} min" if minutes else f"{whole} s"
