"""Steps that fail in a way that nobody foresaw: tried again for a while, but not for ever."""

from sqlalchemy.exc import DataError, DBAPIError

from recwatch_bridge.clock import Clock
from recwatch_bridge.errors import StoreBusyError
from recwatch_bridge.retraining.runs import Run

PATIENCE = 600.0
"""Seconds for which a step may go on failing."""


class Failing:
    """Knows since when the step that a run is at has been failing.

    Args:
        clock: gives now.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._step = ("", "")
        self._since = 0.0

    def lasts(self, run: Run) -> bool:
        """Note that the step of a run has failed; returns whether it has for too long."""
        now, step = self._clock(), (run.id, run.state)
        # A clock that was set back begins anew.
        if step != self._step or now < self._since:
            self._step, self._since = step, now
        return now - self._since >= PATIENCE

    def over(self) -> None:
        """Note that it fails no more, or that nobody can tell because the database is in trouble."""
        self._step = ("", "")


def is_trouble_of_the_database(error: Exception) -> bool:
    """Tell whether a step failed because of the database, which comes back; not because of what it wrote."""
    return isinstance(error, StoreBusyError | DBAPIError) and not isinstance(error, DataError)
