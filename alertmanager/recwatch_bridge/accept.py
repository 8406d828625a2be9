"""Accepting a webhook: one transaction, then the answer. What follows from it is the workers' business."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from recwatch_bridge import identities, outbox, policy, runs
from recwatch_bridge.clock import Clock
from recwatch_bridge.compose import compose, summary
from recwatch_bridge.metrics import STATUSES, BridgeMetrics
from recwatch_bridge.payload import Alert, Webhook
from recwatch_bridge.policy import Choice, Limits
from recwatch_bridge.runs import Reason
from recwatch_bridge.store import Store

RETRAIN = "retrain"
"""The channel under which the action's identities are kept."""

TRIGGER = "alert"


@dataclass(frozen=True)
class Accepted:
    """What became of a webhook's alerts; goes into the answer's body for whoever tries it with curl.

    Attributes:
        new: alerts not seen before in this channel.
        repeated: alerts seen before.
        ignored: alerts that asked for a retraining and got none, with why.
        runs: ids of the runs that were created or joined.
    """

    new: int
    repeated: int
    ignored: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


class Acceptor:
    """Writes webhooks into the store.

    Args:
        store: the database.
        limits: by model, how often it may be retrained.
        metrics: where it counts.
        clock: gives now.
        wake: called after a transaction that left work to do.
    """

    def __init__(
        self,
        store: Store,
        *,
        limits: Mapping[str, Limits],
        metrics: BridgeMetrics,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._wake = wake

    def notify(self, sink: str, webhook: Webhook) -> Accepted:
        """Put one message for the new firing alerts and one for the newly resolved ones into the outbox.

        Raises:
            StoreBusyError, sqlalchemy.exc.DatabaseError: nothing was stored; the sender is to try again.
        """
        now = self._clock()
        withdrawn: list[str] = []
        with self._store.write() as connection:
            new = identities.remember(connection, sink, webhook.alerts, now)
            for status in STATUSES:
                told = [alert for alert in new if alert.status == status]
                if told:
                    self._enqueue(connection, sink, webhook, told, now)
            # Routes may send resolved alerts to people only; a run that waits need not begin all the same.
            for alert in new:
                if alert.status == "resolved":
                    withdrawn += self._withdraw(connection, alert, now)
        self._count(webhook, new, withdrawn)
        if new:
            self._wake()
        return Accepted(len(new), len(webhook.alerts) - len(new))

    def retrain(self, webhook: Webhook) -> Accepted:
        """Create runs for firing alerts, or let them join; take resolved ones back from runs that still wait.

        Raises:
            StoreBusyError, sqlalchemy.exc.DatabaseError: nothing was stored; the sender is to try again.
        """
        now = self._clock()
        ignored: list[tuple[str, str]] = []
        touched: list[str] = []
        withdrawn: list[str] = []
        with self._store.write() as connection:
            new = identities.remember(connection, RETRAIN, webhook.alerts, now)
            for alert in webhook.of("resolved"):
                withdrawn += self._withdraw(connection, alert, now)
            for alert in webhook.of("firing"):
                run_id, why_not = self._ask(connection, alert, now)
                if run_id is None:
                    ignored.append((why_not, summary(alert)))
                else:
                    touched.append(run_id)
        self._count(webhook, new, withdrawn)
        for why_not, _ in ignored:
            self._metrics.alerts_ignored.labels(why_not).inc()
        if touched:
            self._wake()
        told = tuple(f"{text}: {why_not}" for why_not, text in ignored)
        return Accepted(len(new), len(webhook.alerts) - len(new), told, tuple(dict.fromkeys(touched)))

    def _enqueue(
        self, connection: Connection, sink: str, webhook: Webhook, told: Sequence[Alert], now: float
    ) -> None:
        answers = identities.firing_message(connection, sink, told) if told[0].status == "resolved" else None
        uid = outbox.enqueue(
            connection,
            compose(webhook, told),
            sink=sink,
            kind="alerts",
            about=[f"alert:{alert.fingerprint}" for alert in told],
            now=now,
            reply_to=answers,
        )
        identities.tell_by(connection, sink, told, uid)

    def _ask(self, connection: Connection, alert: Alert, now: float) -> tuple[str | None, str]:
        """Return the run that a firing alert led to, or None and why there is none."""
        if alert.is_held:
            return None, "held"
        model = alert.labels.get("model", "")
        limits = self._limits.get(model)
        if limits is None:
            return None, "unknown_model"
        run = runs.active(connection, model)
        decision = policy.decide(
            limits,
            runs.past(connection, model, now),
            now,
            repeat=runs.was_reason(connection, model, alert.episode),
            resolved=identities.was_just_resolved(connection, alert, now),
        )
        if decision.choice in (Choice.STALE, Choice.COOLING_DOWN):
            return None, decision.choice.value
        if run is not None:
            run_id = run.id
        else:
            run_id = runs.create(connection, model, TRIGGER, not_before=decision.not_before, now=now)
        runs.join(connection, run_id, Reason(alert.episode, summary(alert)), now)
        return run_id, ""

    def _withdraw(self, connection: Connection, alert: Alert, now: float) -> list[str]:
        model = alert.labels.get("model", "")
        run = runs.active(connection, model) if model in self._limits else None
        if run is None or run.state != "pending" or not runs.withdraw(connection, run.id, alert.episode):
            return []
        runs.move(connection, run, "withdrawn", now, error="every alert was resolved before the run began")
        return [model]

    def _count(self, webhook: Webhook, new: Sequence[Alert], withdrawn: Sequence[str]) -> None:
        for status in STATUSES:
            received = sum(alert.status == status for alert in webhook.alerts)
            self._metrics.alerts_received.labels(status).inc(received)
            repeated = received - sum(alert.status == status for alert in new)
            self._metrics.alerts_repeated.labels(status).inc(repeated)
        self._metrics.alerts_truncated.inc(webhook.truncated)
        for model in withdrawn:
            self._metrics.retrains.labels(model, TRIGGER, "withdrawn").inc()
