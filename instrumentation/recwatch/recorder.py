"""Take records of requests off the request's path: one bounded queue, one thread, batches for consumers.

recorder = Recorder([Scores(embeddings), RequestLog("sqlite:///requests.db")])
metrics = RecommenderMetrics("als", recorder=recorder)

A request pays an append to a deque. What does not fit is dropped and counted, never waited for.
"""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.lifetime import keep
from recwatch.metrics import DroppedWrites

if TYPE_CHECKING:
    from recwatch.serving import RecommenderRequest

__all__ = ["Consumer", "Recorder"]

_TARGET = "recorder"
# A batch is bounded so that what a consumer builds from it (rows, vectors) is bounded too.
_MOST_AT_ONCE = 5_000
# `_room` where the next put has to look closer: no thread yet, or closed.
_NONE = -1


class Consumer(Protocol):
    """What gets each batch of records, in the recorder's thread, one batch after the other.

    After a fork the child's thread calls the same object: what two processes must not share, such as a
    connection, is opened in `take` and kept with the id of the process that opened it.
    """

    @property
    def name(self) -> str:
        """The label `target` of what this consumer costs when it fails."""

    def take(self, requests: "Sequence[RecommenderRequest]") -> None:
        """Write or compute. An exception costs this batch, for this consumer, and is counted."""

    def close(self) -> None:
        """No more batches will come."""


class Recorder:
    """A bounded queue of finished requests and the thread that hands them to consumers.

    The thread starts with the first record and again with the first one after a fork. It is a daemon; what
    waits when the interpreter ends, or an ASGI application with `MetricsMiddleware`, is written then (but not
    at `os._exit`, which ends the children that multiprocessing makes: they call `close`). A kill loses at
    most what the last interval brought.

    Args:
        consumers: get each batch in this order; `Scores` before `RequestLog`, which keeps what it finds.
        interval: seconds between batches.
        capacity: records that may wait.
        registry: where drops are counted.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: interval or capacity are not above 0, or `Scores` comes after `RequestLog`.
    """

    def __init__(
        self,
        consumers: Sequence[Consumer],
        *,
        interval: float = 1.0,
        capacity: int = 100_000,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        _check(interval, capacity, registry)
        self.consumers = _checked(consumers)
        self._interval = interval
        self._capacity = capacity
        self._dropped = DroppedWrites.of(registry)
        self._dropped.expect(_TARGET, "full", "closed")
        for consumer in self.consumers:
            self._dropped.expect(consumer.name, "error")
        self._closing = False
        self._over = False
        self._inherited = False
        self._begin()
        keep(
            self,
            after_fork=Recorder._forked,
            flush=Recorder.flush,
            at_exit=Recorder.close,
        )

    def _begin(self) -> None:
        self._room = _NONE
        self._queue: deque[RecommenderRequest] = deque()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._turn = threading.Condition()
        self._ended = threading.Event()
        self._asked = 0
        self._answered = 0

    def put(self, request: "RecommenderRequest") -> None:
        """Append a finished request; never waits, never raises.

        Where the queue is full or the recorder closed, the request is dropped and counted.
        """
        if len(self._queue) < self._room:
            self._queue.append(request)
            if self._over:
                # Closed in between, and nobody is left to take it.
                self._drop_rest()
        else:
            self._put_slowly(request)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the consumers have seen all that was put before.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether they have.
        """
        with self._turn:
            if self._closing:
                mine = None
            elif self._thread is None and not self._queue:
                return True
            else:
                self._asked += 1
                mine = self._asked
        if mine is None:
            return self._ended.wait(timeout)
        self._start()
        self._wake.set()
        with self._turn:
            return self._turn.wait_for(lambda: self._answered >= mine, timeout)

    def close(self, timeout: float = 5.0) -> bool:
        """Take no more, write what waits, close the consumers. Done at exit, too; a second call does nothing.

        Args:
            timeout: seconds to wait at most; what then still waits is dropped and counted.

        Returns:
            Whether everything was written and closed.
        """
        with self._turn:
            first, self._closing = not self._closing, True
            self._room = _NONE
            alone = self._thread is None
        if first and alone:
            self._finish()
        self._wake.set()
        if not self._ended.wait(timeout):
            self._over = True
            self._drop_rest()
        return self._ended.is_set()

    def _forked(self) -> None:
        """Begin anew in the child of a fork: an empty queue, no thread.

        What waited is the parent's to write. Its locks may have been held by threads that the child lacks.
        """
        self._begin()
        self._inherited = True
        if self._closing:
            self._over = True
            self._ended.set()

    def _put_slowly(self, request: "RecommenderRequest") -> None:
        if self._closing:
            self._dropped.drop(_TARGET, "closed", "the recorder is closed")
            return
        if len(self._queue) >= self._capacity:
            self._dropped.drop(_TARGET, "full", f"{self._capacity} records wait")
            return
        self._queue.append(request)
        if self._room == _NONE:
            self._start()
        else:
            # Past half: do not wait for the interval to end.
            self._wake.set()
        if self._over:
            self._drop_rest()

    def _start(self) -> None:
        with self._turn:
            if self._thread is not None or self._closing:
                return
            thread = threading.Thread(target=self._run, name="recwatch-recorder", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # No thread can be had now; the record waits and the next put tries again.
                return
            self._thread = thread
            self._room = (self._capacity + 1) // 2

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(self._interval)
            self._wake.clear()
            self._answer()
        self._finish()

    def _answer(self) -> None:
        asked = self._asked
        self._hand_over()
        with self._turn:
            self._answered = asked
            self._turn.notify_all()

    def _finish(self) -> None:
        self._answer()
        # From here on, who puts a record sees to it himself; one more look for those that did not know yet.
        self._over = True
        self._answer()
        # A child that recorded nothing must not close what is its parent's.
        for consumer in () if self._inherited else self.consumers:
            try:
                consumer.close()
            except Exception as error:  # noqa: BLE001 - the others must be closed as well
                self._dropped.drop(consumer.name, "error", error, writes=0)
        self._ended.set()

    def _hand_over(self) -> None:
        waiting = len(self._queue)
        while waiting > 0:
            batch = self._pop(min(waiting, _MOST_AT_ONCE))
            if not batch:
                return
            waiting -= len(batch)
            self._inherited = False
            for consumer in self.consumers:
                try:
                    consumer.take(batch)
                except (Exception, SystemExit) as error:  # noqa: BLE001 - the next consumer gets it all the same
                    self._dropped.drop(consumer.name, "error", error, writes=len(batch))

    def _pop(self, most: int) -> "list[RecommenderRequest]":
        batch: list[RecommenderRequest] = []
        try:
            while len(batch) < most:
                batch.append(self._queue.popleft())
        except IndexError:
            # Somebody else was faster: `close` gave up waiting.
            pass
        return batch

    def _drop_rest(self) -> None:
        rest = self._pop(len(self._queue))
        if rest:
            self._dropped.drop(_TARGET, "closed", "nobody is left to take them", writes=len(rest))


def _check(interval: object, capacity: object, registry: object) -> None:
    if not isinstance(interval, int | float):
        raise TypeError(f"interval must be a number of seconds; got {interval!r:.40}")
    if not isinstance(capacity, int):
        raise TypeError(f"capacity must be a number of records; got {capacity!r:.40}")
    if interval <= 0 or capacity < 1:
        raise ValueError("interval must be above 0 seconds and capacity at least 1 record")
    if not isinstance(registry, CollectorRegistry):
        raise TypeError(f"registry must be a CollectorRegistry; got {type(registry).__name__}")


def _checked(consumers: object) -> tuple[Consumer, ...]:
    """Consumers, each of which can do its part, in an order in which all find what they need."""
    if isinstance(consumers, str) or not isinstance(consumers, Iterable):
        raise TypeError(
            f"consumers must be a list, such as Recorder([RequestLog(...)]); got {_kind_of(consumers)}"
        )
    found = tuple(consumers)
    for consumer in found:
        named = isinstance(getattr(consumer, "name", None), str)
        can = all(callable(getattr(consumer, method, None)) for method in ("take", "close"))
        if isinstance(consumer, type) or not (named and can):
            raise TypeError(f"a consumer has a name, take(requests) and close(); got {_kind_of(consumer)}")
    names = [consumer.name for consumer in found]
    if "scores" in names and "requests" in names[: names.index("scores")]:
        raise ValueError("put Scores before RequestLog: the rows of requests hold what Scores finds")
    return found


def _kind_of(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
