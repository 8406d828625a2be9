"""When to sum up requests: a clock's hands, moved by whoever writes the requests."""

from datetime import datetime, timedelta

from recwatch.store.aggregates import HOURS, MINUTES, Span, make_rows, resume
from recwatch.store.store import Store

__all__ = ["Aggregator"]

# A minute is summed up this long after its end, when the other workers have written their last batch of it.
_SETTLE = timedelta(seconds=5)


class Aggregator:
    """Keeps `service_health` and `reranking_metrics` up to date, a bounded step at a time.

    The writer of requests says what it wrote (`note`) and calls `step` now and then. Several workers may do
    so on one database: each makes the rows of the spans that it wrote to, the row that saw most stays.
    """

    def __init__(self) -> None:
        self._minutes = _Hand(MINUTES)
        self._hours = _Hand(HOURS)

    def note(self, oldest: datetime) -> None:
        """Requests were written, the oldest of them of this time."""
        self._minutes.note(oldest)
        self._hours.note(oldest)

    def step(self, store: Store, now: datetime) -> None:
        """Make the rows that are due, a bounded number; a call with nothing due costs next to nothing.

        Args:
            store: has the requests.
            now: aware.

        Raises:
            StoreError: when the database fails; the next step tries again.
        """
        self._minutes.move(store, now - _SETTLE)
        self._hours.move(store, now - _SETTLE)


class _Hand:
    """How far one kind of row is."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._done: datetime | None = None
        self._unseen: datetime | None = None

    def note(self, oldest: datetime) -> None:
        if self._unseen is None or oldest < self._unseen:
            self._unseen = oldest

    def move(self, store: Store, until: datetime) -> None:
        start, end = self._done, self._span.floor(until)
        if start is None or start > end:  # a clock that ran ahead has been set back
            start = resume(store, self._span, until)
        elif start == end and (self._unseen is None or self._unseen >= start):
            return
        if self._unseen is not None and (start is None or self._unseen < start):
            start = self._span.floor(self._unseen)
        if start is not None:
            # What was written later than this is seen next time, which begins there.
            self._done = make_rows(store, self._span, start, until)
            self._unseen = None
