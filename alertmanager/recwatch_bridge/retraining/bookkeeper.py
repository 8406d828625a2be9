"""What runs, rollbacks and watches have in common: an outcome, its notice and its counts stored together."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection

from recwatch_bridge.clock import Clock
from recwatch_bridge.delivering import outbox
from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining import notices, rollbacks, runs
from recwatch_bridge.retraining.launchers.base import Order
from recwatch_bridge.retraining.rollbacks import Rollback
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.storage.store import Store

log = logging.getLogger(__name__)


class Bookkeeper:
    """Stores what became of runs and rollbacks, and says so.

    Args:
        store: the database.
        folder: where runs keep their files, each in a folder of its own.
        sinks: who is told of each step.
        metrics: where it counts.
        clock: gives now.
        wake_sinks: called after a transaction that left notices in the outbox.
        external_url: where people reach the bridge's page, for links; None where nobody said.
    """

    def __init__(
        self,
        store: Store,
        *,
        folder: Path,
        sinks: Sequence[str],
        metrics: BridgeMetrics,
        clock: Clock,
        wake_sinks: Callable[[], None],
        external_url: str | None = None,
    ) -> None:
        self.store = store
        self.metrics = metrics
        self.now = clock
        self._folder = folder
        self._sinks = sinks
        self.wake_sinks = wake_sinks
        self._external_url = external_url

    def order(self, run: Run, reason: str = "") -> Order:
        """Return the run as a launcher sees it."""
        return Order(run.id, run.model, reason, self._folder / run.id)

    def note(self, run: Run, **values: object) -> bool:
        """Store values of a run; returns False when its state has changed meanwhile."""
        with self.store.write() as connection:
            return runs.note(connection, run, **values)

    def advance(
        self, run: Run, state: str, notice: Notification | None = None, **values: object
    ) -> Run | None:
        """Move a run to its next state and say so; returns it, or None when its state had changed."""
        now = self.now()
        with self.store.write() as connection:
            if not runs.move(connection, run, state, now, **values):
                return None
            moved = runs.get(connection, run.id)
            if notice is not None:
                self.send(connection, moved, notice)
        if notice is not None:
            self.wake_sinks()
        return moved

    def tell(self, run: Run, notice: Notification, **values: object) -> bool:
        """Store values of a run whose state stays, and say so; returns False when that has changed."""
        with self.store.write() as connection:
            if not runs.note(connection, run, **values):
                return False
            self.send(connection, run, notice)
        self.wake_sinks()
        return True

    def finish(self, run: Run, state: str, notice: Notification, **values: object) -> bool:
        """End a run and say so; returns False when its state had changed."""
        ended = self.advance(run, state, notice, **values)
        if ended is None:
            return False
        self.metrics.retrains.labels(run.model, run.trigger, state).inc()
        self.metrics.retrain_in_progress.labels(run.model).set(0)
        if run.approve_until is None:
            self.observe(run)
        return True

    def fail(self, run: Run, error: str, **values: object) -> None:
        """End a run that failed; other values are stored with it."""
        log.error("run %s: failed: %s", run.id, error)
        notice = notices.failed(run, error, self.order(run).log)
        self.finish(run, "failed", notice, error=error, **values)

    def observe(self, run: Run) -> None:
        """Count how long a run took until now; the time that a person takes to answer is no part of it."""
        if run.started is not None:
            taken = max(0.0, self.now() - run.started)
            self.metrics.retrain_duration.labels(run.model).observe(taken)

    def send(self, connection: Connection, run: Run, notice: Notification) -> None:
        """Put a notice into the outbox of every sink; wake the sinks after the transaction.

        The later ones of a run answer its first one.
        """
        notice = self._linked(notice, "Run", f"/runs/{run.id}")
        first = self._post(connection, notice, f"run:{run.id}", kind="run", first=run.first_notice)
        if not run.first_notice:
            runs.note(connection, runs.get(connection, run.id), first_notice=first)

    def send_rollback(self, connection: Connection, rollback: Rollback, notice: Notification) -> None:
        """Put a notice into the outbox of every sink, as `send` does for a run."""
        notice = self._linked(notice, "Rollbacks", "/#rollbacks-h")
        about = f"rollback:{rollback.id}"
        first = self._post(connection, notice, about, kind="rollback", first=rollback.first_notice)
        if not rollback.first_notice:
            rollbacks.note(connection, rollbacks.get(connection, rollback.id), first_notice=first)

    def _linked(self, notice: Notification, name: str, path: str) -> Notification:
        return (
            notice if self._external_url is None else notices.linked(notice, name, self._external_url + path)
        )

    def _post(
        self, connection: Connection, notice: Notification, about: str, *, kind: str, first: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Put a notice into every outbox; returns by sink the first message of its thread."""
        now = self.now()
        sent = {
            sink: outbox.enqueue(
                connection,
                notice,
                sink=sink,
                kind=kind,
                about=[about],
                now=now,
                reply_to=first.get(sink),
            )
            for sink in self._sinks
        }
        return {**sent, **first}
