"""Delivering: one thread a sink works on the outbox, so that a sick sink never delays another."""

import logging
import random
import time

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from recwatch_bridge.clock import Clock
from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.claiming import Claim, claim
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.pace import Pace, set_pace
from recwatch_bridge.delivering.settling import Backoff, Settlement, settle
from recwatch_bridge.delivering.sinks.base import Delivered, Later, Never, Outcome, Sink
from recwatch_bridge.errors import StoreBusyError
from recwatch_bridge.metrics import BridgeMetrics, deliverer
from recwatch_bridge.storage.store import Store
from recwatch_bridge.text import one_line
from recwatch_bridge.worker import PAUSE, Worker

__all__ = ["Backoff", "DeliveryWorker"]

_ERROR_LENGTH = 500
_GIVEN_WAY = 4.0
"""While webhooks come, a worker leaves the processor to them so many times as long as it had it itself."""

log = logging.getLogger(__name__)


class DeliveryWorker(Worker):
    """Sends the messages of one sink, longest due first, in order where they share a topic.

    A failure of one message puts that one back and goes on with the others. What looks like a failure of the
    whole sink also makes the sink rest, longer each time; then another message tries, because a server may
    choke on one message in a way that looks the same.

    Args:
        sink: where it sends.
        store: the database; others may share it.
        backoff: how long to wait after failures.
        metrics: where it counts.
        clock: gives now.
        chance: spreads the waits.
    """

    def __init__(
        self,
        sink: Sink,
        store: Store,
        *,
        backoff: Backoff,
        metrics: BridgeMetrics,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        super().__init__(deliverer(sink.name), metrics)
        self._sink = sink
        self._store = store
        self._backoff = backoff
        self._clock = clock
        self._chance = chance

    def step(self) -> float:
        """Deliver one message if one is due; returns how long to wait before the next step, in seconds."""
        webhooks, begun = self._store.submitted, time.thread_time()
        wait = self._deliver()
        if self._store.submitted != webhooks:
            self._stopped.wait(_GIVEN_WAY * (time.thread_time() - begun))
        return wait

    def _deliver(self) -> float:
        sent: tuple[Message, Settlement] | None = None
        stored = False
        looked = Claim(None)
        try:
            with claim(self._store, self._sink, self._clock(), self._backoff.maximum) as found:
                looked = found
                if found.message is not None:
                    sent = found.message, self._send(found.message, found.pace)
                    if found.connection is not None:
                        _store(found.connection, self._sink.name, *sent)
                        stored = True
        except (DatabaseError, StoreBusyError) as error:
            # The transaction that kept the message is lost; what became of the message is known all the same.
            if sent is None:
                raise
            self._not_recorded(sent[0], error)
            stored = False
        if sent is None:
            return self._tidy(looked)
        if stored or self._record(*sent):
            self._tell(*sent)
            # A rest holds also when somebody wakes the worker.
            self._stopped.wait(sent[1].pace.length)
        return 0.0

    def _tidy(self, looked: Claim) -> float:
        """Mend what keeps messages from being found, where there is such; returns how long to wait."""
        if not (looked.misdated or looked.crowded):
            return looked.wait
        name, now = self._sink.name, self._clock()
        with self._store.write() as connection:
            if looked.crowded:
                # None moves where another bridge has the one that the others wait for.
                return 0.0 if outbox.postpone_blocked(connection, name, now) else PAUSE
            count = outbox.hasten(connection, name, now)
        log.warning("%s: the clock was set back: %d messages need not wait for it", name, count)
        return 0.0

    def _send(self, message: Message, pace: Pace) -> Settlement:
        outcome = self._attempt(message)
        return settle(
            message,
            outcome,
            pace=pace,
            min_interval=self._sink.min_interval,
            backoff=self._backoff,
            now=self._clock(),
            chance=self._chance.random(),
        )

    def _attempt(self, message: Message) -> Outcome:
        try:
            return self._sink.send(message)
        except Exception as error:
            # A fault of ours, such as a text that cannot be rendered: this message must not stop the others.
            self._metrics.worker_errors.labels(self.name).inc()
            log.exception("%s: message %s cannot be sent", self._sink.name, message.uid)
            return Later(f"fault in the bridge: {type(error).__name__}", whole_sink=False)

    def _record(self, message: Message, settlement: Settlement) -> bool:
        """Store an attempt's outcome, again and again until the database takes it: it cannot be undone."""
        while True:
            try:
                with self._store.write() as connection:
                    _store(connection, self._sink.name, message, settlement)
            except (DatabaseError, StoreBusyError) as error:
                self._not_recorded(message, error)
                if self._stopped.wait(PAUSE):
                    return False
            else:
                return True

    def _not_recorded(self, message: Message, error: Exception) -> None:
        self._metrics.worker_errors.labels(self.name).inc()
        uid = message.uid
        log.error("%s: message %s: outcome not recorded yet", self._sink.name, uid, exc_info=error)

    def _tell(self, message: Message, settlement: Settlement) -> None:
        name, uid, tries = self._sink.name, message.uid, message.attempts + 1
        self._metrics.deliveries.labels(name, settlement.told).inc()
        match settlement.outcome:
            case Delivered():
                log.info("%s: message %s delivered (attempt %d)", name, uid, tries)
            case Never(reason):
                log.error("%s: message %s is a dead letter: %s", name, uid, one_line(reason, _ERROR_LENGTH))
                return
            case Later(reason):
                log.warning("%s: message %s attempt %d failed: %s", name, uid, tries, one_line(reason, 300))
        refused = settlement.outcome.refused
        self._metrics.recipients_refused.labels(name).inc(len(refused))
        if refused:
            told = one_line("; ".join(refused), _ERROR_LENGTH)
            log.warning("%s: message %s is refused for good for some: %s", name, uid, told)


def _store(connection: Connection, sink: str, message: Message, settlement: Settlement) -> None:
    match settlement.outcome:
        case Delivered():
            outbox.mark_delivered(connection, message, settlement.at)
        case Never(reason):
            outbox.mark_dead(connection, message, settlement.at, one_line(reason, _ERROR_LENGTH))
        case Later(reason, left=left):
            error = one_line(reason, _ERROR_LENGTH)
            outbox.mark_failed_attempt(connection, message, settlement.next_attempt, error, left)
    if settlement.paces:
        set_pace(connection, sink, settlement.pace)
