"""Forgetting what is over for longer than `retention`: one batch after another, one bridge at a time."""

import logging
import shutil
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from recwatch_bridge.clock import Clock
from recwatch_bridge.metrics import KEEPER, BridgeMetrics
from recwatch_bridge.storage import forgetting
from recwatch_bridge.storage.forgetting import BATCH
from recwatch_bridge.storage.store import Store
from recwatch_bridge.worker import Worker

INTERVAL = 3_600.0
"""Seconds between two looks."""
PAUSE = 0.05
"""Seconds between two batches, in which others write."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Over:
    """Ids of a batch, by kind."""

    messages: Any
    identities: Any
    pictures: Any
    runs: Any
    rollbacks: Any


class RetentionWorker(Worker):
    """Deletes what ended longer ago than `keep`, a batch a step.

    Messages that wait or were given up stay, and so does a run or a rollback that is not finished or whose
    service is still to be told. A run's folder (its log and result) goes before its row, so that nothing is
    left behind; one that cannot be removed is named in the log. Of bridges that share a database one does it.

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
        self._lead = store.lead(KEEPER)
        self._folder = folder
        self._keep = keep
        self._clock = clock

    def step(self) -> float:
        """Delete one batch; returns how long to wait before the next step, in seconds."""
        if not self._lead.held():
            return INTERVAL
        before = self._clock() - self._keep
        with self._store.read() as connection:
            over = _Over(
                forgetting.finished_messages(connection, before),
                forgetting.old_identities(connection, before),
                forgetting.old_pictures(connection, before),
                forgetting.finished_runs(connection, before),
                forgetting.finished_rollbacks(connection, before),
            )
        sizes = [len(ids) for ids in astuple(over)]
        if not any(sizes):
            return INTERVAL
        for run_id in over.runs:
            self._remove(self._folder / run_id)

        def forget(connection: Connection) -> tuple[int, ...]:
            counts = (
                forgetting.forget_messages(connection, over.messages),
                forgetting.forget_identities(connection, over.identities, before),
                forgetting.forget_pictures(connection, over.pictures),
                forgetting.forget_runs(connection, over.runs),
                forgetting.forget_rollbacks(connection, over.rollbacks),
            )
            forgetting.give_back(connection)
            return counts

        counts = self._store.commit(forget)
        log.info(
            "deleted %d messages, %d identities of alerts, %d pictures, %d runs and %d rollbacks, "
            "all over for long",
            *counts,
        )
        return PAUSE if BATCH in sizes else INTERVAL

    def _remove(self, folder: Path) -> None:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            log.debug("%s: was removed before", folder)
        except OSError as error:
            # It would fail again at each step; whoever owns it must remove it.
            self._metrics.worker_errors.labels(self.name).inc()
            log.warning("%s: cannot be removed (%s): remove it by hand", folder, error.strerror)
