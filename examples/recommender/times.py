"""Times as Python has them, aware, and as numpy has them, UTC without saying so."""

from datetime import UTC, datetime

import numpy as np


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


def parse_date(text: str) -> datetime:
    """Read a date or a time in ISO form; without a zone it is UTC.

    Raises:
        ValueError: when it is neither.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
