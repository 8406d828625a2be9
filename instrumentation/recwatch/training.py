"""Watch a training: log lines, rows in the store, metrics while it runs, a push at its start and its end.

    with TrainingRun("als", parameters={"factors": 64}, store_url="sqlite:///data/store.db") as run:
        for number in range(1, 16):
            loss = model.step()
            run.iteration(number, 15, loss=loss)
        run.evaluation({"recall@10": 0.234}, baseline={"recall@10": 0.101})
        run.saved(folder)

Whatever happens to the watching (a store that is locked, a Pushgateway that is down, a full disk), the
training goes on: it costs a log line and a count in `recwatch_dropped_writes_total`.
"""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Literal, Self

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.samples import Sample

from recwatch import logs, push, training_record
from recwatch.exposition import Selection
from recwatch.metrics import DroppedWrites, TrainingMetrics
from recwatch.provenance import git_commit
from recwatch.training_lines import as_columns, early_stopping_line, iteration_line, metrics_line, pick
from recwatch.training_log import RunLog

__all__ = ["TrainingRun", "Unit"]

Unit = Literal["iteration", "epoch"]

_JOB = "training"
# A Pushgateway that does not answer holds a training up by half a second at its start and, not trusted any
# more, by as much at its end.
_START_TIMEOUT_SECONDS = 0.5
_END_TIMEOUT_SECONDS = 5.0
# What a failed run pushes. The rest of the group stays: the figures of the last run that completed.
_PUSHED_BY_A_FAILURE = frozenset(
    {
        "recwatch_dropped_writes",
        "training_in_progress",
        "training_last_failure_timestamp_seconds",
        "training_runs",
    }
)


class TrainingRun:
    """One training of one model: leaving the block well is `completed`, an exception makes it `failed`.

    SystemExit and KeyboardInterrupt are exceptions too. A trainer that turns SIGTERM into SystemExit leaves a
    failed run when it is ended; else the run stays `running` in the store.

    Args:
        model: the model's name, such as `als`; the label `model` and the name of its log file.
        parameters: hyper-parameters; kept as JSON.
        artifacts: the folder that the model goes to, where it is known beforehand; else say `saved`.
        store_url: the store of `training_runs` and `iteration_metrics` (extra `store`); None keeps no rows.
        log_dir: the folder of the log file, such as `logs/cf` for `logs/cf/als.log`; None writes none.
        pushgateway: `host:port` of a Pushgateway: gets `training_in_progress` at the start, all at the end.
        run_id: the run's name in the store; one is made by default.
        data_version: what the training data is, such as a hash or a date range.
        data_timestamp: the newest record of the training data, aware.
        unit: what a round is called in the log; by default `epoch` where the parameters have `epochs`.
        commit: the commit that the code is at; by default the working directory's.
        registry: where the metrics are kept.
    """

    def __init__(
        self,
        model: str,
        *,
        parameters: Mapping[str, Any],
        artifacts: Path | None = None,
        store_url: str | None = None,
        log_dir: Path | str | None = None,
        pushgateway: str | None = None,
        run_id: str | None = None,
        data_version: str | None = None,
        data_timestamp: datetime | None = None,
        unit: Unit | None = None,
        commit: str | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self.model = model
        self.run_id = run_id or f"{model}_{datetime.now(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
        self.error: BaseException | None = None
        self._parameters = dict(parameters)
        self._artifacts = artifacts
        self._store_url = store_url
        self._pushgateway = pushgateway
        self._data_version = data_version
        self._data_timestamp = data_timestamp
        self._unit: Unit = unit or ("epoch" if "epochs" in self._parameters else "iteration")
        self._commit = commit
        self._registry = registry
        self._metrics = TrainingMetrics.of(registry)
        self._dropped = DroppedWrites.of(registry)
        self._record = training_record.RunRecord(None, self._dropped, {})
        self._log = RunLog(model, log_dir, self._dropped)
        self._started = self._last_round = 0.0
        self._fit_seconds: float | None = None
        self._push_timeout = _END_TIMEOUT_SECONDS

    def iteration(
        self,
        number: int,
        total: int,
        *,
        loss: float | None = None,
        seconds: float | None = None,
        **details: object,
    ) -> None:
        """A round is over.

        Args:
            number: the round, from 1.
            total: how many there are to be.
            loss: the loss after it.
            seconds: how long it took; by default the time since the round before.
            details: more for the log line, such as `samples=1600000`.
        """
        now = perf_counter()
        took = now - self._last_round if seconds is None else seconds
        self._last_round = now
        with self._guarded():
            self._log.info(
                iteration_line(self._unit, number, total, loss=loss, seconds=took, details=details)
            )
            self._metrics.iteration_duration.labels(self.model).observe(took)
            if loss is not None:
                self._metrics.loss.labels(self.model).set(loss)
            self._record.add_iteration(
                {
                    "iteration": int(number),
                    "timestamp": datetime.now(UTC),
                    "loss": None if loss is None else float(loss),
                    "validation_recall": None,
                    "validation_ndcg": None,
                    "wall_time_seconds": float(took),
                }
            )

    def validation(self, metrics: Mapping[str, float]) -> None:
        """The model was measured on the validation split after the newest round: `{"ndcg@10": 0.153}`."""
        with self._guarded():
            self._log.info(metrics_line("Validation", metrics))
            self._set_metrics(metrics, "validation")
            recall, ndcg = pick(metrics, "recall"), pick(metrics, "ndcg")
            self._record.amend_iteration(validation_recall=recall, validation_ndcg=ndcg)

    def early_stopping(self, best_iteration: int, metrics: Mapping[str, float]) -> None:
        """Training stops before its last round; the best round and its metrics."""
        with self._guarded():
            self._log.info(early_stopping_line(self._unit, best_iteration, metrics))

    def evaluation(
        self, metrics: Mapping[str, float], *, baseline: Mapping[str, float] | None = None
    ) -> None:
        """Fitting is over and the model was measured on the test split.

        Args:
            metrics: such as `{"recall@10": 0.234, "coverage": 0.41}`.
            baseline: the same metrics of a baseline, such as popularity.
        """
        with self._guarded():
            self._fitted()
            self._log.info(metrics_line("Evaluation", metrics))
            self._set_metrics(metrics, "test")
            if baseline:
                self._log.info(metrics_line("Baseline", baseline))
                for name, value in baseline.items():
                    self._metrics.baseline_metric.labels(self.model, name).set(value)
            self._record.update(**as_columns(metrics, baseline or {}))

    def saved(self, path: Path) -> None:
        """The model's files are at this path."""
        with self._guarded():
            self._log.info(logs.event("Artifacts saved", path=path))
            self._record.update(artifacts_path=str(path))

    def __enter__(self) -> Self:
        self._started = self._last_round = perf_counter()
        self._metrics.in_progress.labels(self.model).inc()
        with self._guarded():
            self._log.open()
            self._log.info(logs.event("Training started", **self._parameters))
            self._start_metrics()
        try:
            with self._guarded():
                self._start_record()
            with self._guarded():
                self._push_start()
        except BaseException as error:  # a signal; the block is never entered, so nobody else ends the run
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.error = error
        status = "completed" if error is None else "failed"
        self._metrics.in_progress.labels(self.model).dec()
        self._metrics.runs.labels(self.model, status).inc()
        with self._guarded():
            if error is None:
                self._fitted()
                self._metrics.duration.labels(self.model).set(perf_counter() - self._started)
                self._metrics.last_success.labels(self.model).set_to_current_time()
            else:
                total_time = f"{perf_counter() - self._started:.1f}s"
                text = f"{type(error).__name__}: {error}"
                self._log.error(logs.event("Training failed", error=text, total_time=total_time))
                self._metrics.last_failure.labels(self.model).set_to_current_time()
        with self._guarded():
            seconds = perf_counter() - self._started if self._fit_seconds is None else self._fit_seconds
            self._record.update(status=status, completed_at=datetime.now(UTC), training_time_seconds=seconds)
            self._record.close()
        with self._guarded():
            self._push_end(status)
        self._log.close()

    def _start_metrics(self) -> None:
        for status in ("completed", "failed"):
            self._metrics.runs.labels(self.model, status)
        self._dropped.expect("training", "error")
        if self._data_timestamp is not None:
            self._metrics.data.labels(self.model).set(self._data_timestamp.timestamp())
        if self._store_url is not None:
            self._dropped.expect(training_record.TARGET, *training_record.REASONS)
        if self._pushgateway is not None:
            self._dropped.expect(push.TARGET, *push.REASONS)

    def _start_record(self) -> None:
        row = {
            "run_id": self.run_id,
            "model_type": self.model,
            "started_at": datetime.now(UTC),
            "status": "running",
            "hyperparameters": json.dumps(self._parameters, default=str),
            "data_version": self._data_version,
            "git_commit": self._commit or git_commit(),
            "artifacts_path": None if self._artifacts is None else str(self._artifacts),
        }
        self._record = training_record.RunRecord(self._store_url, self._dropped, row)
        counts = self._record.counts(self.model)
        # A process that trains once ends with a count of 1: only the table knows of the runs before.
        for status in ("completed", "failed"):
            missing = counts.get(status, 0) - self._count_of(status)
            if missing > 0:
                self._metrics.runs.labels(self.model, status).inc(missing)
        self._record.write()

    def _count_of(self, status: str) -> float:
        labels = {"model": self.model, "status": status}
        samples = [sample for family in self._metrics.runs.collect() for sample in family.samples]
        return sum(
            sample.value for sample in samples if sample.name.endswith("_total") and sample.labels == labels
        )

    def _fitted(self) -> None:
        if self._fit_seconds is None:
            self._fit_seconds = perf_counter() - self._started
            self._log.info(logs.event("Training completed", total_time=f"{self._fit_seconds:.1f}s"))

    def _set_metrics(self, metrics: Mapping[str, float], split: str) -> None:
        for name, value in metrics.items():
            self._metrics.metric.labels(self.model, name, split).set(value)

    def _push_start(self) -> None:
        def belongs(family: Metric, sample: Sample) -> bool:
            return family.name == "training_in_progress" and sample.labels.get("model") == self.model

        if not self._push(belongs, timeout=_START_TIMEOUT_SECONDS):
            self._push_timeout = _START_TIMEOUT_SECONDS

    def _push_end(self, status: str) -> None:
        def belongs(family: Metric, sample: Sample) -> bool:
            if status == "failed" and family.name not in _PUSHED_BY_A_FAILURE:
                return False
            ours = family.name.startswith("training_") and sample.labels.get("model") == self.model
            return ours or family.name == "recwatch_dropped_writes"

        self._push(belongs, timeout=self._push_timeout)

    def _push(self, belongs: Callable[[Metric, Sample], bool], *, timeout: float) -> bool:
        """Push what belongs; whether it was taken, or there is nowhere to push to."""
        if self._pushgateway is None:
            return True
        return push.push(
            self._pushgateway,
            Selection(self._registry, belongs),
            job=_JOB,
            grouping_key={"model": self.model},
            dropped=self._dropped,
            timeout=timeout,
        )

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - watching must never break a training
            self._dropped.drop("training", "error", error)
