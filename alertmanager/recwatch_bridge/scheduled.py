"""Work that is due at a time of the week or the day, done once over all bridges on one database."""

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter
from sqlalchemy import Connection

from recwatch.errors import RecwatchError
from recwatch_bridge.clock import Clock, readable
from recwatch_bridge.delivering import outbox
from recwatch_bridge.messages.notification import TEXT_LENGTH, Notification
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining.policy import DAY
from recwatch_bridge.retraining.schedule import Schedule
from recwatch_bridge.storage import facts
from recwatch_bridge.storage.facts import Fact
from recwatch_bridge.storage.store import Store
from recwatch_bridge.text import one_line
from recwatch_bridge.worker import Worker

LATE = DAY
"""Seconds after its time in which work is still made up for, and tried again."""
RETRY = 300.0
"""Seconds between two tries of work that fails."""
_NAP = 60.0
"""Longest wait, so that a clock that is set is noticed, and a bridge that went away is replaced."""

Write = Callable[[Connection], Callable[[], None]]
"""Writes what was prepared, in a transaction that may be begun anew; returns what to do once it is stored."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Frame:
    """What all such work needs.

    Attributes:
        store: the database.
        schedule: when.
        told: the sinks that are told of work that failed for a day.
        metrics: where it counts.
        clock: gives now.
        wake_sinks: called after messages were left in the outbox.
    """

    store: Store
    schedule: Schedule
    told: Sequence[str]
    metrics: BridgeMetrics
    clock: Clock
    wake_sinks: Callable[[], None]


class Scheduled(Worker):
    """Does its work at its times, by one of several bridges; another takes its turn where it fails there.

    A bridge that was down at the time does it when it is back, within a day. When it was done last is
    stored together with what it led to, so that nothing is done twice; a new database waits for its first
    time. Whatever stops it is counted, logged and tried again, and told after a day.

    Args:
        name: of the thread, of the fact that says when it was done, and of the lead.
        what: it is, in log lines: `the report`.
        kind: of its messages.
        frame: what all such work needs.
        counter: counts by outcome; `error` is work that failed for a day.
    """

    def __init__(self, name: str, what: str, kind: str, frame: Frame, counter: Counter) -> None:
        super().__init__(name, frame.metrics)
        self._what = what
        self._kind = kind
        self._frame = frame
        self._counter = counter
        self._lead = frame.store.lead(name)
        self._error: str | None = None
        self._tried: float | None = None

    @abstractmethod
    def prepare(self, due: float) -> Write:
        """Do what takes long, such as asking Prometheus; anything raised here is tried again.

        Args:
            due: the moment that it is done for, in seconds since the epoch.
        """

    @abstractmethod
    def failed(self, error: str, due: float) -> Notification:
        """Say that it could not be done for a day."""

    def step(self) -> float:
        """Do the work if it is time; returns how long to wait before the next step, in seconds."""
        store, schedule, now = self._frame.store, self._frame.schedule, self._frame.clock()
        with store.read() as connection:
            before = facts.get(connection, self.name)
        if before is None or before.at > now + schedule.every.total_seconds():
            # A new database, or a clock that was far ahead: nothing is made up for.
            store.commit(lambda connection: facts.swap(connection, self.name, before, Fact(now)))
            return 0.0
        due = schedule.last(now)
        if due <= before.at:
            self._error = self._tried = None
            return min(schedule.next(now) - now, _NAP)
        if self._tried is not None and 0 <= now - self._tried < RETRY and now - due < LATE:
            return RETRY - (now - self._tried)  # whoever wakes it: what it asks for may be much
        if not self._lead.held():
            return _NAP  # another bridge is at it
        try:
            if now - due >= LATE:
                self._give_up(before, due, now)
                return 0.0
            self._tried = now
            return 0.0 if self._done(before, due) else RETRY
        finally:
            self._lead.release()

    def _done(self, before: Fact, due: float) -> bool:
        """Do the work; returns False where that failed."""
        try:
            write = self.prepare(due)
            after = self._frame.store.commit(
                lambda connection: (
                    # Nothing, where another bridge was faster.
                    write(connection) if facts.swap(connection, self.name, before, Fact(due)) else None
                )
            )
        except RecwatchError as error:
            self._error = str(error)
            log.warning("%s: tried again in %g s: %s", self._what, RETRY, error)
            return False
        except Exception as error:
            self._error = one_line(f"{type(error).__name__}: {error}", TEXT_LENGTH)
            self._metrics.worker_errors.labels(self.name).inc()
            log.exception("%s: tried again in %g s", self._what, RETRY)
            return False
        self._error = self._tried = None
        if after is not None:
            after()
        return True

    def _give_up(self, before: Fact, due: float, now: float) -> None:
        """Let be what could not be done within a day, until the next time."""
        error, self._error = self._error, None
        with self._frame.store.write() as connection:
            if not facts.swap(connection, self.name, before, Fact(due)):
                return
            if error is not None:
                for sink in self._frame.told:
                    self.enqueue(connection, self.failed(error, due), sink, now)
        if error is None:
            log.warning(
                "%s of %s was missed: no bridge ran, or what tried was ended", self._what, readable(due)
            )
            return
        self._counter.labels("error").inc()
        self._frame.wake_sinks()
        log.error("%s of %s failed: %s", self._what, readable(due), error)

    def enqueue(self, connection: Connection, said: Notification, sink: str, now: float) -> str:
        """Leave a message in the outbox; returns its id."""
        return outbox.enqueue(connection, said, sink=sink, kind=self._kind, about=[self.name], now=now)
