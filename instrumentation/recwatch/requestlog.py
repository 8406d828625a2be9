"""Write each request into the table `requests`, in batches, off the request's path. Needs the extra `store`.

recorder = Recorder([RequestLog("sqlite:///data/requests.db")])
metrics = RecommenderMetrics("als", recorder=recorder)

The recorder hands over what an interval brought; a thread writes it in one transaction. The same thread keeps
`service_health`, `reranking_metrics` and retention. A database that is locked, full or away costs nobody
anything: rows wait for it up to a bound, beyond which they are dropped, counted and logged.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.errors import StoreError
from recwatch.lifetime import keep
from recwatch.logs import event
from recwatch.metrics import DroppedWrites
from recwatch.store.engine import parse_url
from recwatch.store.request_rows import Row, row_maker
from recwatch.store.request_writer import RequestWriter, oldest_time
from recwatch.store.retention import Retention
from recwatch.store.upkeep import Upkeep
from recwatch.user_ids import Mode, UserIds

if TYPE_CHECKING:
    from recwatch.serving import RecommenderRequest

__all__ = ["RequestLog"]

_LOGGER = logging.getLogger("recwatch.requests")
_TARGET = "requests"
_REASONS = ("locked", "full", "unavailable", "refused", "slow", "closed", "error", "value")
# A transaction is bounded so that other workers' writers get their turn.
_ROWS_AT_ONCE = 10_000
_TICK_SECONDS = 1.0
_LAST_RETRY_SECONDS = 0.1


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RequestLog:
    """A consumer of `recwatch.recorder.Recorder` that keeps requests in a database.

    Each worker process has its own; they write to one database in turn. A connection that fails while it
    commits on PostgreSQL may have committed: then the batch is written twice rather than not at all.

    Args:
        url: of the database, such as `sqlite:///data/requests.db`; it is opened with the first batch.
        user_ids: `plain` keeps user ids as they are, `hashed` as HMAC-SHA256, `omitted` not at all.
        key_file: holds the key, for `hashed`.
        retention: which requests are kept; None keeps all.
        aggregates: whether to keep `service_health` and `reranking_metrics`.
        capacity: rows that may wait for the database.
        timeout: seconds to wait for a locked database each time.
        registry: where drops are counted.
        now: the time, aware; for the aggregates and retention.

    Raises:
        StoreError: when the URL cannot be used.
        ConfigError: when the key is missing or too short.
    """

    name = _TARGET

    def __init__(
        self,
        url: str,
        *,
        user_ids: Mode = "plain",
        key_file: Path | str | None = None,
        retention: Retention | None = Retention(),  # noqa: B008 - frozen
        aggregates: bool = True,
        capacity: int = 100_000,
        timeout: float = 1.0,
        registry: CollectorRegistry = REGISTRY,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        on_sqlite = parse_url(url).get_backend_name() == "sqlite"
        self._row_of = row_maker(
            UserIds(user_ids, key_file), times_as_text=on_sqlite, on_odd=self._drop_value
        )
        self._capacity = capacity
        self._timeout = timeout
        self._dropped = dropped = DroppedWrites.of(registry)
        dropped.expect(_TARGET, *_REASONS)
        self._make_writer = partial(RequestWriter, url, timeout)
        self._make_upkeep = partial(
            Upkeep, aggregates=aggregates, retention=retention, now=now, dropped=dropped
        )
        self._inherited: list[RequestWriter] = []
        self._begin_anew()
        keep(self, flush=RequestLog.flush)

    def _begin_anew(self) -> None:
        """Have no rows, no thread and no connection: at first, and in the child of a fork."""
        self._process = os.getpid()
        self._writer = self._make_writer()
        self._upkeep = self._make_upkeep()
        self._rows: deque[Row] = deque()
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._close_by: float | None = None
        self._failure: StoreError | None = None

    def take(self, requests: "Sequence[RecommenderRequest]") -> None:
        """Make rows of requests and have them written now; never waits for the database, never raises."""
        if self._process != os.getpid():
            # The parent's connection must be neither used nor closed here: keep it from being collected.
            self._inherited.append(self._writer)
            self._begin_anew()
        rows = self._rows_of(requests)
        with self._changed:
            closed = self._close_by is not None
            room = 0 if closed else max(0, self._capacity - len(self._rows))
            self._rows.extend(rows[:room])
        if len(rows) > room:
            self._drop(len(rows) - room, closed=closed)
        if not closed:
            self._start()
            self._wake.set()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything that was taken is in the database.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether it is.
        """
        self._wake.set()
        with self._changed:
            return self._changed.wait_for(lambda: not self._rows, timeout)

    def close(self, timeout: float = 3.0) -> None:
        """Write what waits and close the database; a second call does nothing.

        Args:
            timeout: seconds to try; what the database has not taken then is dropped and counted.
        """
        with self._changed:
            if self._close_by is not None or self._process != os.getpid():
                return
            self._close_by = monotonic() + timeout
        self._wake.set()
        if self._thread is None:
            self._finish(self._close_by)
        else:
            # The last try may begin at the last moment, and may wait.
            self._thread.join(timeout + self._timeout)
        with self._changed:
            rest = len(self._rows)
            self._rows.clear()
        if rest:
            self._drop(rest)

    def _rows_of(self, requests: "Sequence[RecommenderRequest]") -> list[Row]:
        rows = []
        for request in requests:
            try:
                rows.append(self._row_of(request))
            except Exception as error:  # noqa: BLE001 - one record must not cost the others
                self._dropped.drop(_TARGET, "error", error)
        return rows

    def _drop(self, count: int, *, closed: bool = False) -> None:
        if closed:
            reason, error = "closed", "the request log is closed"
        elif self._failure is not None:
            reason, error = self._failure.reason, str(self._failure)
        else:
            reason, error = "slow", f"the database takes less than comes; {self._capacity} rows may wait"
        self._dropped.drop(_TARGET, reason, error, writes=count)

    def _drop_value(self, column: str, error: Exception) -> None:
        self._dropped.drop(_TARGET, "value", f"{column}: {error!r}")

    def _start(self) -> None:
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._run, name="recwatch-requests", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread can be had now: the next batch tries again, and `close` does without
            return
        self._thread = thread

    def _run(self) -> None:
        while (close_by := self._close_by) is None:
            self._wake.wait(_TICK_SECONDS)
            self._wake.clear()
            if self._write() and self._close_by is None:
                self._keep_up()
        self._finish(close_by)

    def _finish(self, close_by: float) -> None:
        while not self._write() and monotonic() < close_by:
            self._wake.clear()
            self._wake.wait(_LAST_RETRY_SECONDS)
        self._writer.close()

    def _write(self) -> bool:
        """Write the rows that wait; False where the database does not take them now."""
        try:
            while chunk := self._head(_ROWS_AT_ONCE):
                self._write_chunk(chunk)
        except Exception as error:  # noqa: BLE001 - the thread must live on; rows wait and drops are counted
            if self._failure is None:
                _LOGGER.warning(event("Requests not written yet", retry="every second", error=error))
            self._failure = error if isinstance(error, StoreError) else StoreError(repr(error))
            return False
        self._failure = None
        return True

    def _head(self, most: int) -> list[Row]:
        with self._changed:
            return list(islice(self._rows, most))

    def _write_chunk(self, chunk: list[Row]) -> None:
        """Write the first rows that wait; where the database refuses one of them, all others."""
        try:
            self._writer.insert(chunk)
        except StoreError as error:
            if error.reason != "refused":
                raise
            if len(chunk) > 1:
                half = len(chunk) // 2
                self._write_chunk(chunk[:half])
                self._write_chunk(chunk[half:])
                return
            self._dropped.drop(_TARGET, "refused", error)
        else:
            self._upkeep.note(oldest_time(chunk))
        self._forget(len(chunk))

    def _forget(self, count: int) -> None:
        with self._changed:
            for _ in range(min(count, len(self._rows))):
                self._rows.popleft()
            self._changed.notify_all()

    def _keep_up(self) -> None:
        try:
            store = self._writer.store
        except StoreError as error:
            self._dropped.drop("aggregates", error.reason, error)
            return
        self._upkeep.step(store)
