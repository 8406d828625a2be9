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
