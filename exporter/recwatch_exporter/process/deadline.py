"""The time that a check may take, and a way to end it early."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic
from typing import TypeVar

from recwatch.durations import format_duration
from recwatch_exporter.errors import CheckCancelledError, CheckTimeoutError

T = TypeVar("T")


class Deadline:
    """Ends a check when its time is over or the exporter stops.

    Args:
        timeout: how long the check may take, from now.
        clock: gives seconds that never go back.
    """

    def __init__(self, timeout: timedelta, *, clock: Callable[[], float] = monotonic) -> None:
        self._timeout = timeout
        self._clock = clock
        self._end = clock() + timeout.total_seconds()
        self._cancelled = False
        self._interrupt: Callable[[], None] | None = None
        self._lock = threading.Lock()

    @property
    def cancelled(self) -> bool:
        """Whether the exporter stops."""
        return self._cancelled

    def restart(self, *, grace: timedelta = timedelta()) -> None:
        """Begin the time anew: what went before was not the check's doing.

        Args:
            grace: how much later than at its timeout the check is ended.
        """
        self._end = self._clock() + (self._timeout + grace).total_seconds()

    def remaining(self) -> float:
        """How many seconds are left; none where the time is over."""
        return max(0.0, self._end - self._clock())

    def check(self) -> None:
        """Go on, or raise.

        Raises:
            CheckTimeoutError: when the time is over.
            CheckCancelledError: when the exporter stops.
        """
        if self._cancelled:
            raise CheckCancelledError("the exporter stops")
        if self._clock() >= self._end:
            took = format_duration(self._timeout)
            raise CheckTimeoutError(f"took longer than its timeout of {took}: read less, or raise timeout")

    def guard(self, items: Iterable[T]) -> Iterator[T]:
        """Hand items on, checking the time before each."""
        iterator = iter(items)
        while True:
            self.check()
            try:
                item = next(iterator)
            except StopIteration:
                return
            yield item

    def cancel(self) -> None:
        """End the check from another thread."""
        with self._lock:
            self._cancelled = True
            if self._interrupt is not None:
                self._interrupt()

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Call `interrupt` from another thread if the time ends within the block."""
        with self._lock:
            self._interrupt = interrupt
        timer = threading.Timer(self.remaining(), self._fire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                self._interrupt = None

    def _fire(self) -> None:
        with self._lock:
            if self._interrupt is not None:
                self._interrupt()
