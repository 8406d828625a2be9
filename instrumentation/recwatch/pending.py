"""Count many requests at once: a request pays an append, the next reader or every 128th request the rest.

In the middle of a request, metrics and the code that writes them are in no cache of the processor; a batch
pays for that once. The metrics that are counted in so write what waits before they are read (`Fed`), so that
whoever reads them, by whatever registry, sees every request. (Not for several processes that share a folder:
none of them knows when another one reads it.)
"""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from prometheus_client import Metric

from recwatch.lifetime import keep

__all__ = ["MOST", "Fed", "Pending"]

MOST = 128
"""How many records may wait."""


class _Writer(Protocol):
    def write(self, records: Sequence[Any]) -> None:
        """Count them. Must not raise."""


class Pending:
    """Records that wait to be counted.

    Attributes:
        waiting: pairs of a writer and a record; any thread appends, and calls `write_soon` from `MOST` on.
    """

    def __init__(self) -> None:
        self.waiting: deque[tuple[_Writer, Any]] = deque()
        self._renew_lock()
        keep(self, after_fork=Pending._renew_lock)

    def _renew_lock(self) -> None:
        # The same thread may come again: a signal's handler that serves or reads in the middle of a batch.
        self._lock = threading.RLock()

    def write(self) -> None:
        """Have all that waits counted: what was appended before is, when this returns, whoever is at it."""
        with self._lock:
            self._write()

    def write_soon(self) -> None:
        """The same, but where another thread is at it, leave it to that one: a request does not wait."""
        if self._lock.acquire(blocking=False):
            try:
                self._write()
            finally:
                self._lock.release()

    def _write(self) -> None:
        taken: dict[_Writer, list[Any]] = {}
        waiting = self.waiting
        for _ in range(len(waiting)):
            try:
                writer, record = waiting.popleft()
            except IndexError:
                break
            if writer in taken:
                taken[writer].append(record)
            else:
                taken[writer] = [record]
        for writer, records in taken.items():
            writer.write(records)


class Fed:
    """Mixed into a metric in which waiting records are counted: it is up to date whenever it is read.

    Attributes:
        pending: what to write first; None where nothing waits.
    """

    pending: Pending | None = None

    def collect(self) -> Iterable[Metric]:
        """The metric's own, after what waits was counted."""
        if self.pending is not None:
            self.pending.write()
        families: Iterable[Metric] = super().collect()  # type: ignore[misc]
        return families
