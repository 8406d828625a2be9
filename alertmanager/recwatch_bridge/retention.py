"""Forgetting what is over: delivered messages, identities of alerts and finished runs, after `retention`."""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, delete, select

from recwatch_bridge.clock import Clock
from recwatch_bridge.metrics import KEEPER, BridgeMetrics
from recwatch_bridge.policy import FINAL_STATES
from recwatch_bridge.schema import alerts, messages, reasons, runs, topics
from recwatch_bridge.store import Store
from recwatch_bridge.worker import Worker

BATCH = 500
"""Most rows of a kind that one transaction deletes, so that webhooks need not wait for it."""
INTERVAL = 3_600.0
"""Seconds between two looks."""

log = logging.getLogger(__name__)


class RetentionWorker(Worker):
    """Deletes what ended longer ago than `keep`, a batch a step.

    Messages that wait or were given up stay, and so does a run that is not finished or whose service is still
    to be told. A run's folder (its log and result) goes before its row, so that nothing is left behind;
    one that cannot be removed is named in the log.

    Args:
        store: the database.
        folder: where runs keep their files.
        keep: seconds.
        metrics: where it counts failed steps.
        clock: gives now.
    """

    def __init__(
        self, store: Store, *, folder: Path, keep: float, metrics: BridgeMetrics, clock: Clock
    ) -> None:
        super().__init__(KEEPER, metrics)
        self._store = store
        self._folder = folder
        self._keep = keep
        self._clock = clock

    def step(self) -> float:
        """Delete one batch; returns how long to wait before the next step, in seconds."""
        before = self._clock() - self._keep
        with self._store.read() as connection:
            runs_over = _runs_over(connection, before)
        for run_id in runs_over:
            self._remove(self._folder / run_id)
        with self._store.write() as connection:
            counts = (
                forget_messages(connection, before),
                forget_identities(connection, before),
                _forget_runs(connection, runs_over),
            )
        if any(counts):
            log.info("deleted %d messages, %d identities of alerts and %d runs, all over for long", *counts)
        return 0.0 if BATCH in counts else INTERVAL

    def _remove(self, folder: Path) -> None:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            log.debug("%s: was removed before", folder)
        except OSError as error:
            # It would fail again at each step; whoever owns it must remove it.
            self._metrics.worker_errors.labels(self.name).inc()
            log.warning("%s: cannot be removed (%s): remove it by hand", folder, error.strerror)


def forget_messages(connection: Connection, before: float) -> int:
    """Delete messages that were delivered before a moment; returns how many."""
    query = (
        select(messages.c.id)
        .where(messages.c.state == "delivered", messages.c.finished < before)
        .order_by(messages.c.id)
    )
    found = list(connection.scalars(query.limit(BATCH)))
    _delete(connection, topics.c.message_id, found)
    _delete(connection, messages.c.id, found)
    return len(found)


def forget_identities(connection: Connection, before: float) -> int:
    """Delete identities of alerts that were first seen before a moment; returns how many."""
    query = select(alerts.c.id).where(alerts.c.received < before).order_by(alerts.c.id)
    found = list(connection.scalars(query.limit(BATCH)))
    _delete(connection, alerts.c.id, found)
    return len(found)


def _runs_over(connection: Connection, before: float) -> Sequence[str]:
    query = (
        select(runs.c.id)
        .where(runs.c.state.in_(FINAL_STATES), runs.c.finished < before)
        .where(runs.c.reload.is_distinct_from("pending"))
        .order_by(runs.c.number)
    )
    return list(connection.scalars(query.limit(BATCH)))


def _forget_runs(connection: Connection, found: Sequence[str]) -> int:
    _delete(connection, reasons.c.run_id, found)
    _delete(connection, runs.c.id, found)
    return len(found)


def _delete(connection: Connection, column: Column[Any], values: Sequence[object]) -> None:
    connection.execute(delete(column.table).where(column.in_(values)))
