"""Times as Python has them, aware, and as numpy has them, UTC without saying so."""

from datetime import UTC, datetime, timedelta

import numpy as np

_TOLERANCE = timedelta(minutes=1)  # clocks differ
_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)


def to_datetime64(moment: datetime) -> np.datetime64:
    """An aware time as numpy's UTC time in microseconds."""
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def to_datetime(moment: np.datetime64) -> datetime:
    """Numpy's UTC time as an aware time, to the microsecond."""
    naive: datetime = moment.astype("datetime64[us]").item()
    return naive.replace(tzinfo=UTC)


def find_fault(moment: datetime, now: datetime) -> str | None:
    """What is wrong with the time at which a user is said to have done something; None when nothing is.

    Time windows end at the newest event: one from the future would leave every window but its own empty.

    Args:
        moment: the time, aware.
        now: the clock, aware.
    """
    if moment > now + _TOLERANCE:
        return f"{moment.isoformat()} is in the future: send the time at which it happened, or none for now"
    if moment < _OLDEST:
        return f"{moment.isoformat()} is before 1970: send the time at which it happened, or none for now"
    return None


def parse_date(text: str) -> datetime:
    """Read a date or a time in ISO form; without a zone it is UTC.

    Raises:
        ValueError: when it is neither.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
