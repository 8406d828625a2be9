"""The stretch of time that a report is about. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recwatch.report.errors import ReportError

__all__ = ["LONGEST", "MOST_POINTS", "SHORTEST", "Period", "period_until"]

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=92)
MOST_POINTS = 300
"""Of a series in a picture."""
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_STEPS = (
    15.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1_800.0,
    3_600.0,
    7_200.0,
    10_800.0,
    21_600.0,
    43_200.0,
)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """A stretch of time, in seconds since the epoch.

    Attributes:
        start: its beginning.
        end: its end.
        step: seconds between two points of a picture.
    """

    start: float
    end: float
    step: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start

    @property
    def name(self) -> str:
        """How long it is, in words: `7 days`, `1 day`, `6 hours`."""
        for size, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
            if self.seconds % size == 0:
                count = int(self.seconds // size)
                return f"{count} {word}{'' if count == 1 else 's'}"
        return f"{self.seconds:g} seconds"

    @property
    def slot(self) -> tuple[float, str]:
        """What drift is counted in: seconds, and the word for it."""
        return (_DAY, "days") if self.seconds >= 2 * _DAY else (_HOUR, "hours")


def period_until(end: float, length: timedelta) -> Period:
    """Return the period of a length that ends at a moment.

    Args:
        end: seconds since the epoch.
        length: how long.

    Raises:
        ReportError: when it is too short or too long to be told of.
    """
    if not SHORTEST <= length <= LONGEST:
        raise ReportError("a report is about 1h at least and 92d at most: choose another period, such as 7d")
    whole = float(int(end))
    seconds = float(int(length.total_seconds()))
    if not seconds <= whole <= _LATEST.timestamp():
        raise ReportError("no Prometheus holds that time: choose another end, such as 2026-11-21T07:00")
    step = next((step for step in _STEPS if seconds / step <= MOST_POINTS), _STEPS[-1])
    return Period(whole - seconds, whole, step)
