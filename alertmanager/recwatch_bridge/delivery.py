"""Delivering: one thread a sink works on the outbox, so that a sick sink never delays another."""

import logging
import random
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from recwatch_bridge import outbox
from recwatch_bridge.clock import Clock
from recwatch_bridge.errors import StoreBusyError
from recwatch_bridge.metrics import BridgeMetrics, deliverer
from recwatch_bridge.outbox import Message
from recwatch_bridge.sinks.base import Delivered, Later, Never, Outcome, Sink
from recwatch_bridge.store import Store
from recwatch_bridge.text import one_line
from recwatch_bridge.worker import IDLE, PAUSE, Worker

_ERROR_LENGTH = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Backoff:
    """How long to wait after a failure, in seconds.

    Attributes:
        initial: after the first.
        maximum: the most.
        give_up_after: from a message's creation; then it is a dead letter.
    """

    initial: float
    maximum: float
    give_up_after: float

    def wait(self, failures: int, chance: float) -> float:
        """Return the wait after so many failures: doubled each time, spread over its upper half.

        Args:
            failures: at least 1.
            chance: from 0 to 1, so that several senders do not come back at the same moment.
        """
        full = min(self.maximum, self.initial * 2.0 ** min(failures - 1, 60))
        return full * (0.5 + 0.5 * chance)


class DeliveryWorker(Worker):
    """Sends the messages of one sink, longest due first, in order where they share a topic.

    A failure of one message puts that one back and goes on with the others. What looks like a failure of the
    whole sink also pauses the worker, longer each time; then another message tries, because a server may
    choke on one message in a way that looks the same.
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
        self._sink_failures = 0
        """Failures of the whole sink in a row."""

    def step(self) -> float:
        """Deliver one message if one is due; returns how long to wait before the next step, in seconds."""
        now = self._clock()
        with self._store.read() as connection:
            message = outbox.next_due(connection, self._sink.name, now)
            upcoming = None if message else outbox.next_time(connection, self._sink.name, now)
        if message is None:
            return IDLE if upcoming is None else min(max(upcoming - now, 0.01), IDLE)
        pause = self._settle(message, self._attempt(message))
        # The pauses that a sink asks for hold also when somebody wakes the worker.
        self._stopped.wait(max(pause, self._sink.min_interval))
        return 0.0

    def _attempt(self, message: Message) -> Outcome:
        try:
            return self._sink.send(message)
        except Exception as error:
            # A fault of ours, such as a text that cannot be rendered: this message must not stop the others.
            self._metrics.worker_errors.labels(self.name).inc()
            log.exception("%s: message %s cannot be sent", self._sink.name, message.uid)
            return Later(f"fault in the bridge: {type(error).__name__}", whole_sink=False)

    def _settle(self, message: Message, outcome: Outcome) -> float:
        """Record an attempt's outcome, again and again until the database takes it: it cannot be undone."""
        while True:
            try:
                return self._record(message, outcome)
            except (DatabaseError, StoreBusyError):
                self._metrics.worker_errors.labels(self.name).inc()
                log.exception("%s: message %s: outcome not recorded yet", self._sink.name, message.uid)
                if self._stopped.wait(PAUSE):
                    return 0.0

    def _record(self, message: Message, outcome: Outcome) -> float:
        """Store an attempt's outcome; returns how long the sink is to rest, in seconds."""
        now = self._clock()
        wait = pause = 0.0
        failures = self._sink_failures + 1 if isinstance(outcome, Later) and outcome.whole_sink else 0
        if isinstance(outcome, Later):
            chance, after = self._chance.random(), outcome.after or 0.0
            if outcome.whole_sink:
                pause = max(self._backoff.wait(failures, chance), after)
            wait = max(self._backoff.wait(message.attempts + 1, chance), after, pause)
            if now + wait > message.created + self._backoff.give_up_after:
                outcome, pause = Never(f"given up: {outcome.reason}"), 0.0
        with self._store.write() as connection:
            told = _store(connection, message, outcome, now, wait)
        self._sink_failures = failures
        self._metrics.deliveries.labels(self._sink.name, told).inc()
        if not isinstance(outcome, Never):
            self._metrics.recipients_refused.labels(self._sink.name).inc(len(outcome.refused))
        self._log(message, outcome)
        return pause

    def _log(self, message: Message, outcome: Outcome) -> None:
        name, uid, tries = self._sink.name, message.uid, message.attempts + 1
        match outcome:
            case Delivered():
                log.info("%s: message %s delivered (attempt %d)", name, uid, tries)
            case Never(reason):
                log.error("%s: message %s is a dead letter: %s", name, uid, one_line(reason, _ERROR_LENGTH))
            case Later(reason):
                log.warning("%s: message %s attempt %d failed: %s", name, uid, tries, one_line(reason, 300))
        if not isinstance(outcome, Never) and outcome.refused:
            told = one_line("; ".join(outcome.refused), _ERROR_LENGTH)
            log.warning("%s: message %s is refused for good for some: %s", name, uid, told)


def _store(connection: Connection, message: Message, outcome: Outcome, now: float, wait: float) -> str:
    match outcome:
        case Delivered():
            outbox.mark_delivered(connection, message, now)
            return "delivered"
        case Never(reason):
            outbox.mark_dead(connection, message, now, one_line(reason, _ERROR_LENGTH))
            return "dead"
        case Later(reason):
            error = one_line(reason, _ERROR_LENGTH)
            outbox.mark_failed_attempt(connection, message, now + wait, error, outcome.left)
            return "retry"
