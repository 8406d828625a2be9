"""Accepting a webhook: one transaction, then the answer. What follows from it is the workers' business."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from sqlalchemy import Connection

from recwatch_bridge.accepting import act, watchdog
from recwatch_bridge.accepting.payload import Webhook
from recwatch_bridge.accepting.stored import Stored
from recwatch_bridge.accepting.tell import tell
from recwatch_bridge.clock import Clock
from recwatch_bridge.metrics import STATUSES, BridgeMetrics
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.storage.store import Store

_MISTAKES = {
    "unknown_model": "bridge.yml has no model that its label `model` names",
    "not_asked": "its label `action` does not ask for it, so a route of Alertmanager is too wide",
}
"""What somebody has to mend, by the reason for which alerts are ignored."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Accepted:
    """What became of a webhook's alerts; goes into the answer's body for whoever tries it with curl.

    Attributes:
        new: alerts not seen before in this channel.
        repeated: alerts seen before.
        ignored: alerts that asked for an action and got none, with why.
        runs: ids of the runs that were created or joined.
        rollbacks: ids of the rollbacks that were asked for.
        reminded: repeated alerts that are told again.
    """

    new: int
    repeated: int
    ignored: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    rollbacks: tuple[str, ...] = ()
    reminded: int = 0


class Acceptor:
    """Writes webhooks into the store.

    Each method comes twice: one that waits until the webhook is durable, and `submit_...`, which returns a
    future for whoever has no thread to spare. Both give StoreBusyError or sqlalchemy.exc.DatabaseError when
    nothing was stored and the sender is to try again.

    Args:
        store: the database.
        limits: by model, how often it may be retrained; its keys are the models that alerts may name.
        metrics: where it counts.
        clock: gives now.
        wake: called after a transaction that left work to do.
        wake_sink: called instead, with the sink's name, where only messages of a sink are left to be sent.
        remind_after: by sink, after how many seconds a repeat of a firing alert is told again; a sink that is
            not named never is.
    """

    def __init__(
        self,
        store: Store,
        *,
        limits: Mapping[str, Limits],
        metrics: BridgeMetrics,
        clock: Clock,
        wake: Callable[[], None],
        wake_sink: Callable[[str], None] | None = None,
        remind_after: Mapping[str, float] | None = None,
    ) -> None:
        self._store = store
        self._limits = limits
        self._models = frozenset(limits)
        self._metrics = metrics
        self._clock = clock
        self._wake = wake
        self._wake_sink = wake_sink or (lambda _: wake())
        self._remind_after = remind_after or {}

    def notify(self, sink: str, webhook: Webhook) -> Accepted:
        """Put messages into a sink's outbox: for what is new, what is to be told again and what is over."""
        return self.submit_notify(sink, webhook).result()

    def retrain(self, webhook: Webhook) -> Accepted:
        """Create runs for firing alerts, or let them join; take resolved ones back from runs that wait."""
        return self.submit_retrain(webhook).result()

    def rollback(self, webhook: Webhook) -> Accepted:
        """Ask for a rollback of the model of each firing alert, once an episode."""
        return self.submit_rollback(webhook).result()

    def watchdog(self, webhook: Webhook) -> Accepted:
        """Note that Alertmanager's Watchdog was heard, where it fires."""
        return self.submit_watchdog(webhook).result()

    def submit_notify(self, sink: str, webhook: Webhook) -> Future[Accepted]:
        """Do what `notify` does, later."""
        now = self._clock()

        def work(connection: Connection) -> Stored:
            return tell(
                self._store,
                connection,
                sink,
                webhook,
                models=self._models,
                remind_after=self._remind_after.get(sink),
                now=now,
            )

        return self._submit(work, lambda stored: self._notified(sink, webhook, stored))

    def submit_retrain(self, webhook: Webhook) -> Future[Accepted]:
        """Do what `retrain` does, later."""
        now = self._clock()
        return self._submit(
            lambda connection: act.retrain(self._store, connection, webhook, self._limits, now),
            lambda stored: self._acted(webhook, stored),
        )

    def submit_rollback(self, webhook: Webhook) -> Future[Accepted]:
        """Do what `rollback` does, later."""
        now = self._clock()
        return self._submit(
            lambda connection: act.rollback(self._store, connection, webhook, self._models, now),
            lambda stored: self._acted(webhook, stored),
        )

    def submit_watchdog(self, webhook: Webhook) -> Future[Accepted]:
        """Do what `watchdog` does, later."""
        now = self._clock()
        firing = tuple(webhook.of("firing"))

        def work(connection: Connection) -> Stored:
            if firing:
                watchdog.hear(connection, now)
            return Stored(new=firing)

        return self._submit(work, lambda stored: self._heard(webhook, stored))

    def _submit(
        self, work: Callable[[Connection], Stored], finish: Callable[[Stored], Accepted]
    ) -> Future[Accepted]:
        """Have the store do the work; `finish` runs once it is durable and makes the answer."""
        answer: Future[Accepted] = Future()
        # Whoever waits for it may go away; the webhook is stored all the same.
        answer.set_running_or_notify_cancel()

        def done(future: Future[Stored]) -> None:
            try:
                answer.set_result(finish(future.result()))
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                answer.set_exception(error)

        self._store.submit(work).add_done_callback(done)
        return answer

    def _notified(self, sink: str, webhook: Webhook, stored: Stored) -> Accepted:
        self._count(webhook, stored)
        self._metrics.reminders.labels(sink).inc(stored.reminded)
        if stored.new or stored.reminded or stored.left_out:
            self._wake_sink(sink)
        return self._answer(webhook, stored)

    def _acted(self, webhook: Webhook, stored: Stored) -> Accepted:
        self._count(webhook, stored)
        mistakes: dict[str, str] = {}
        for why_not, text in stored.ignored:
            self._metrics.alerts_ignored.labels(why_not).inc()
            if why_not in _MISTAKES:
                mistakes.setdefault(why_not, text)
        for why_not, text in mistakes.items():
            log.warning("nothing is done for %s: %s", text, _MISTAKES[why_not])
        if stored.runs or stored.rollbacks:
            self._wake()
        return self._answer(webhook, stored)

    def _heard(self, webhook: Webhook, stored: Stored) -> Accepted:
        if stored.new:
            self._wake()
        return self._answer(webhook, stored)

    def _count(self, webhook: Webhook, stored: Stored) -> None:
        for status in STATUSES:
            received = sum(alert.status == status for alert in webhook.alerts)
            self._metrics.alerts_received.labels(status).inc(received)
            repeated = received - sum(alert.status == status for alert in stored.new)
            self._metrics.alerts_repeated.labels(status).inc(repeated)
        self._metrics.alerts_truncated.inc(webhook.truncated)
        for model in stored.withdrawn:
            self._metrics.retrains.labels(model, act.TRIGGER, "withdrawn").inc()

    def _answer(self, webhook: Webhook, stored: Stored) -> Accepted:
        return Accepted(
            new=len(stored.new),
            repeated=len(webhook.alerts) - len(stored.new),
            ignored=tuple(f"{text}: {why_not}" for why_not, text in stored.ignored),
            runs=stored.runs,
            rollbacks=stored.rollbacks,
            reminded=stored.reminded,
        )
