"""What a run does outside its process: rows, what is published and served. Each may fail or hang alone."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from recwatch.metrics import DroppedWrites, TrainingMetrics
from recwatch.provenance import git_commit
from recwatch.runs.counting import count_up_to
from recwatch.runs.publisher import Publisher, publish_as_of
from recwatch.runs.run import STATUSES, Ended, guarded
from recwatch.runs.worker import Worker
from recwatch.training import process, record, recovery, scrape
from recwatch.training.elapsed import as_ms
from recwatch.training.publisher import TRAINING

__all__ = ["Effects"]

# The store itself waits for a lock for two seconds. A start that is not written by then is written later.
_START_SECONDS = 2.5
_END_SECONDS = 10.0


class Effects:
    """The effects of one run; no method raises, and none waits longer than a few seconds.

    Args:
        run_id: the run's name.
        model: the model's name.
        store_url: the store; None keeps no rows.
        push: where metrics are published; None for nowhere.
        serve_metrics: where they are served; None for nowhere.
        commit: the code's commit; None to ask git.
        registry: with the metrics.
        row: first values of the run's row.
    """

    def __init__(
        self,
        run_id: str,
        model: str,
        *,
        store_url: str | None,
        push: str | None,
        serve_metrics: int | str | None,
        commit: str | None,
        registry: CollectorRegistry,
        row: Mapping[str, Any],
    ) -> None:
        self._run_id = run_id
        self._model = model
        self._store_url = store_url
        self._push = push
        self._serve_metrics = serve_metrics
        self._commit = commit
        self._registry = registry
        self._row = dict(row)
        self._dropped = DroppedWrites.of(registry)
        self._count_lock = threading.Lock()
        self._counted: str | None = None
        self._elapsed_ms = 0
        self._table: dict[str, int] | None = None
        self._running: int | None = None
        self._record: record.RunRecord | None = None
        self._writer: Worker | None = None
        self._publisher: Publisher | None = None
        self._server: scrape.MetricsServer | None = None

    @property
    def metrics_port(self) -> int | None:
        """Where metrics are served."""
        return None if self._server is None else self._server.port

    @property
    def run_id(self) -> str:
        """The run's name; the store's where that had to give it another."""
        return self._run_id if self._record is None else self._record.run_id

    def start(self) -> None:
        """Serve metrics, write the run's row, publish that it is under way."""
        with guarded(self._drop):
            self._serve()
        with guarded(self._drop):
            self._start_record()
        with guarded(self._drop):
            if self._push is not None:
                self._publisher = Publisher(self._push, TRAINING, self._model, self._registry)
                # Where the runs before are not known yet, counters would fall.
                known = self._store_url is None or self._table is not None
                self._publish(partial(self._publisher.start, counters=known))
        with guarded(self._drop):
            # After what was published: it corrects that where lost runs were still counted as running.
            if self._writer is not None:
                self._writer.submit(self._recover)

    def update(self, **values: Any) -> None:
        """Change the run's row."""
        if self._record is not None:
            self._record.update(**values)

    def add_iteration(self, number: int, loss: float | None, seconds: float | None) -> None:
        """Add a row of an iteration."""
        if self._record is not None:
            self._record.add_iteration(
                {
                    "iteration": number,
                    "timestamp": datetime.now(UTC),
                    "loss": loss,
                    "validation_recall": None,
                    "validation_ndcg": None,
                    "wall_time_seconds": seconds,
                }
            )

    def amend_iteration(self, **values: float | None) -> None:
        """Complete the newest iteration."""
        if self._record is not None:
            self._record.amend_iteration(**values)

    def count_end(self, status: str, seconds: float) -> None:
        """Count the run's end in `training_runs_total`, and what it took in `training_seconds_total`."""
        metrics = TrainingMetrics.of(self._registry)
        with self._count_lock:
            self._counted = status
            self._elapsed_ms = as_ms(seconds)
            metrics.runs.labels(self._model, status).inc()
            self._count_elapsed(metrics.elapsed_ms.get(self._model, 0) + self._elapsed_ms)
        self.update(elapsed_ms=self._elapsed_ms)

    def end(self, status: Ended, error: str | None) -> None:
        """Write the rest and publish all; may be called again where a signal ended it."""
        with guarded(self._drop):
            self.update(status=status, error=error, completed_at=datetime.now(UTC))
            self._end_record()
        with guarded(self._drop):
            if self._publisher is not None:
                self._publish(partial(self._publisher.end, status))

    def close(self) -> None:
        """Leave the store and the publisher, stop serving; waits for nobody."""
        with guarded(self._drop):
            if self._record is not None and self._writer is not None:
                self._writer.submit(self._record.close)
                self._writer.close()
        with guarded(self._drop):
            if self._publisher is not None:
                self._publisher.close()
        with guarded(self._drop):
            if self._server is not None:
                self._server.close()
                self._server = None

    def _serve(self) -> None:
        if self._serve_metrics is None:
            return
        self._dropped.expect(scrape.TARGET, *scrape.REASONS)
        try:
            self._server = scrape.MetricsServer(self._serve_metrics, self._registry)
        except (OSError, OverflowError, ValueError) as error:
            self._dropped.drop(scrape.TARGET, "unavailable", error)

    def _start_record(self) -> None:
        if self._store_url is None:
            return
        self._dropped.expect(record.TARGET, *record.REASONS)
        here = process.current()
        row = {
            "run_id": self._run_id,
            "model_type": self._model,
            "started_at": datetime.now(UTC),
            "completed_at": None,
            "status": "running",
            "error": None,
            "host": here.host,
            "pid": here.pid,
            "process_started_at": here.started_at,
            **self._row,
        }
        self._record = record.RunRecord(self._store_url, self._dropped, row)
        self._writer = Worker("recwatch-training-rows", self._drop, tick=self._record.write)
        self._writer.start()
        self._writer.call(self._write_start, _START_SECONDS)

    def _write_start(self) -> None:
        if self._record is None:
            return
        self._record.update(git_commit=self._commit or git_commit())
        self._record.write()
        self._look()

    def _look(self) -> None:
        """Count on from the runs in the table, and from this one where its end is not in the table yet.

        A process that trains once ends with a count of 1: only the table knows of the runs before, and of
        those that end while this one runs.
        """
        record = self._record
        if record is None or record.store is None or record.written_status is None:
            return
        counts, elapsed_ms = record.store.run_counts(self._model), record.store.elapsed_ms(self._model)
        runs = TrainingMetrics.of(self._registry).runs
        with self._count_lock:
            own = None if record.written_status == self._counted else self._counted
            for status in STATUSES:
                total = counts.get(status, 0) + (status == own)
                count_up_to(runs, total, model=self._model, status=status)
            self._count_elapsed(elapsed_ms + (0 if own is None else self._elapsed_ms))
        self._table = counts
        self._running = counts.get("running", 0) - (own is not None)

    def _count_elapsed(self, total_ms: int) -> None:
        metrics = TrainingMetrics.of(self._registry)
        known = metrics.elapsed_ms[self._model] = max(metrics.elapsed_ms.get(self._model, 0), total_ms)
        count_up_to(metrics.seconds, known // 1000, model=self._model)

    def _recover(self) -> None:
        store = None if self._record is None else self._record.store
        if store is not None:
            recovery.recover_lost_runs(store, push=self._push, registry=self._registry)

    def _write_end(self) -> None:
        if self._record is not None:
            self._record.write_rest()
            self._look()

    def _end_record(self) -> None:
        if self._record is None or self._writer is None:
            return
        pending = self._record.pending
        if not self._writer.call(self._write_end, _END_SECONDS):
            self._table = None
            self._dropped.drop(record.TARGET, "timeout", f"{self.run_id} not written", writes=pending)

    def _publish(self, publish: Callable[[int | None], bool]) -> None:
        writer = self._writer
        publish_as_of(
            read=lambda: self._table,
            refresh=lambda: writer is not None and writer.call(self._look, _START_SECONDS),
            publish=lambda: publish(self._running),
        )

    def _drop(self, error: object) -> None:
        self._dropped.drop("training", "error", error)
