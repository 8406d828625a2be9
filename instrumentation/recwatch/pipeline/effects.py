"""What a run of a pipeline does outside its process: its row, what is published. Each may fail or hang."""

import logging
import threading
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from recwatch import logs
from recwatch.errors import StoreError
from recwatch.metrics import DroppedWrites, PipelineMetrics
from recwatch.runs.counting import count_up_to
from recwatch.runs.publisher import Kind, Publisher, publish_as_of
from recwatch.runs.run import STATUSES, Ended, guarded
from recwatch.runs.worker import Worker

if TYPE_CHECKING:
    from recwatch.store import Store

__all__ = ["PIPELINES", "STATUSES", "Effects"]

PIPELINES = Kind(
    job="pipelines",
    label="pipeline",
    prefix="pipeline_",
    in_progress="pipeline_in_progress",
    counters=frozenset({"pipeline_runs"}),
    on_failure=frozenset({"pipeline_last_failure_timestamp_seconds"}),
)

_LOGGER = logging.getLogger("recwatch.pipeline")
_STORE = "store"
_STORE_REASONS = ("full", "locked", "refused", "timeout", "unavailable")
_LOCK_TIMEOUT_SECONDS = 2.0
# A row that is not written by then is written at the next stage, and at the end.
_START_SECONDS = 2.5
_END_SECONDS = 10.0


class Effects:
    """The effects of one run; no method raises, and none waits longer than a few seconds.

    Args:
        pipeline: its name.
        row: the first values of the run's row, `id` among them.
        store_url: the store; None keeps no row.
        push: where metrics are published; None for nowhere.
        registry: with the metrics.
    """

    def __init__(
        self,
        pipeline: str,
        row: dict[str, Any],
        *,
        store_url: str | None,
        push: str | None,
        registry: CollectorRegistry,
    ) -> None:
        self._pipeline = pipeline
        self._row = row
        self._store_url = store_url
        self._push = push
        self._registry = registry
        self._dropped = DroppedWrites.of(registry)
        self._runs = PipelineMetrics.of(registry).runs
        self._lock = threading.Lock()
        self._waits = False
        self._counted: str | None = None
        self._written: str | None = None
        self._table: dict[str, int] | None = None
        self._store: Store | None = None
        self._writer: Worker | None = None
        self._publisher: Publisher | None = None

    @property
    def run_id(self) -> str:
        """The run's name."""
        return str(self._row["id"])

    def start(self) -> None:
        """Write the run's row, publish that it is under way."""
        with guarded(self._drop):
            if self._store_url is not None:
                self._dropped.expect(_STORE, *_STORE_REASONS)
                self._writer = Worker("recwatch-pipeline-rows", self._drop)
                self._writer.start()
                self._writer.call(self._try_to_write, _START_SECONDS)
        with guarded(self._drop):
            if self._push is not None:
                self._publisher = Publisher(self._push, PIPELINES, self._pipeline, self._registry)
                # Where the runs before are not known yet, counters would fall.
                known = self._store_url is None or self._table is not None
                self._publish(partial(self._publisher.start, counters=known))

    def update(self, **values: Any) -> None:
        """Change the run's row; written at once, and waited for by nobody."""
        with self._lock:
            self._row.update(values)
            waits, self._waits = self._waits, True  # one write has room for many changes
        if self._writer is not None and not waits:
            self._writer.submit(self._try_to_write)

    def count_end(self, status: str) -> None:
        """Count the run's end in `pipeline_runs_total`."""
        with self._lock:
            self._counted = status
            self._runs.labels(self._pipeline, status).inc()

    def end(self, status: Ended, error: str | None) -> None:
        """Write the rest and publish all; may be called again where a signal ended it."""
        with guarded(self._drop):
            with self._lock:
                self._row.update(status=status, error=error, finished_at=datetime.now(UTC))
            if self._writer is not None and not self._writer.call(self._write_end, _END_SECONDS):
                self._table = None
                self._dropped.drop(_STORE, "timeout", f"{self.run_id} not written")
        with guarded(self._drop):
            if self._publisher is not None:
                self._publish(partial(self._publisher.end, status))

    def close(self) -> None:
        """Leave the store and the publisher; waits for nobody."""
        with guarded(self._drop):
            if self._writer is not None:
                self._writer.submit(self._leave)
                self._writer.close()
        with guarded(self._drop):
            if self._publisher is not None:
                self._publisher.close()

    def _try_to_write(self) -> None:
        try:
            self._write()
        except (StoreError, ImportError) as error:
            _LOGGER.warning(
                logs.event("Store not written yet", retry="at the next stage and at the end", error=error)
            )

    def _write_end(self) -> None:
        try:
            self._write()
        except (StoreError, ImportError) as error:
            reason = error.reason if isinstance(error, StoreError) else "unavailable"
            self._dropped.drop(_STORE, reason, error)

    def _write(self) -> None:
        with self._lock:
            self._waits = False
        if self._store is None and self._store_url is not None:
            from recwatch.store import open_store  # noqa: PLC0415 - the extra `store` need not be installed

            self._store = open_store(self._store_url, timeout=_LOCK_TIMEOUT_SECONDS)
        if self._store is not None:
            with self._lock:
                row = dict(self._row)
            self._store.save_pipeline_run(row)
            self._written = row["status"]
            self._look()

    def _look(self) -> None:
        """Count on from the runs in the table, and from this one where its end is not in the table yet."""
        if self._store is None:
            return
        counts = self._store.pipeline_run_counts(self._pipeline)
        with self._lock:
            own = None if self._written == self._counted else self._counted
            for status in STATUSES:
                total = counts.get(status, 0) + (status == own)
                count_up_to(self._runs, total, pipeline=self._pipeline, status=status)
        self._table = counts

    def _publish(self, publish: "partial[bool]") -> None:
        writer = self._writer
        publish_as_of(
            read=lambda: self._table,
            refresh=lambda: writer is not None and writer.call(self._look, _START_SECONDS),
            publish=publish,
        )

    def _leave(self) -> None:
        if self._store is not None:
            self._store.close()

    def _drop(self, error: object) -> None:
        self._dropped.drop(PIPELINES.job, "error", error)
