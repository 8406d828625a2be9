"""When the next event is due: event time on a monotonic clock, and never too many requests a second."""

import threading
import time
from collections.abc import Callable
from datetime import datetime

_DAY = 86_400.0


class Pacer:
    """Waits for the moment of each request.

    After a crowded day it is late; it catches up as fast as the limit allows.

    Args:
        start: event time at which the replay begins, aware.
        days_per_second: event days in a second.
        max_per_second: never more requests in a second than that.
        stop: when set, waiting ends at once.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        start: datetime,
        days_per_second: float,
        max_per_second: float,
        stop: threading.Event,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start
        self._seconds_per_second = days_per_second * _DAY
        self._gap = 1.0 / max_per_second
        self._stop = stop
        self._clock = clock
        self._begun = clock()
        self._last = self._begun - self._gap

    @property
    def stopped(self) -> bool:
        """Whether the replay is to end."""
        return self._stop.is_set()

    def due(self, event_time: datetime) -> float:
        """The clock's reading at which a request of that event time may go out."""
        at_pace = self._begun + (event_time - self._start).total_seconds() / self._seconds_per_second
        return max(at_pace, self._last + self._gap)

    def wait(self, event_time: datetime, *, at_most: float) -> bool:
        """Wait until the request is due, `at_most` seconds.

        Returns:
            True when it is due; False when the time is over or the replay stopped before.
        """
        left = self.due(event_time) - self._clock()
        if self._stop.wait(max(min(left, at_most), 0.0)) or left > at_most:
            return False
        self._last = self._clock()
        return True
