"""One training of one model, watched from its start to its end."""

import atexit
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Concatenate, Literal, ParamSpec, Self

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch import logs
from recwatch.metrics import DroppedWrites, TrainingMetrics
from recwatch.redaction import mask_passwords
from recwatch.training import figures, lines, recovery
from recwatch.training.effects import Effects
from recwatch.training.log import RunLog

__all__ = ["TrainingRun", "Unfinished", "Unit"]

Unit = Literal["iteration", "epoch"]
Arguments = ParamSpec("Arguments")

_ERROR_LENGTH = 2000


class Unfinished(Exception):  # noqa: N818 - reads as what happened
    """What a run failed of that nobody had ended when its process did."""


def _watching(
    method: "Callable[Concatenate[TrainingRun, Arguments], None]",
) -> "Callable[Concatenate[TrainingRun, Arguments], None]":
    """Whatever goes wrong in the method, or where it is called, is counted and logged and not raised."""

    @wraps(method)
    def watch(run: "TrainingRun", /, *arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        if run.is_open:
            with run._guarded():  # noqa: SLF001 - a decorator of the class's own methods
                method(run, *arguments, **options)
        else:
            run._ignore(method.__name__)  # noqa: SLF001

    return watch


class TrainingRun:
    """One training of one model: leaving the block well is `completed`, an exception makes it `failed`.

    SystemExit and KeyboardInterrupt are exceptions too. A trainer that turns SIGTERM into SystemExit leaves a
    failed run when it is ended; one that is killed leaves a row that says `running`, until the next run with
    that store, of any model, finds it lost. Without a block: `start`, then `finish` or `fail`.

    No method raises or waits for what it writes to: what cannot be written is counted in
    `recwatch_dropped_writes_total` and logged. In a forked child the run's methods do nothing.

    Args:
        model: the model's name, such as `als`; the label `model` and the name of its log file.
        parameters: hyper-parameters; kept as JSON.
        artifacts: the folder that the model goes to, where it is known beforehand; else say `saved`.
        store_url: the store of `training_runs` and `iteration_metrics` (extra `store`); None keeps no rows.
        log_dir: the folder of the log file, such as `logs/cf` for `logs/cf/als.log`; None writes none.
        push: where metrics stay when the process is gone: `host:port` or the URL of a Pushgateway, or
            `textfile:/folder` of the node exporter; gets `training_in_progress` at the start, all at the end.
        serve_metrics: a port on which the registry can be scraped while the run is open, on the loopback
            interface, or `host:port`; 0 takes a free port, which `metrics_port` then tells.
        run_id: the run's name in the store; one is made by default.
        data_version: what the training data is, such as a hash or a date range.
        data_timestamp: the newest record of the training data, aware.
        unit: what a round is called in the log; by default `epoch` where the parameters have `epochs`.
        commit: the commit that the code is at; by default the working directory's.
        registry: where the metrics are kept.
        pushgateway: another name of `push`.

    Attributes:
        model: as given.
        run_id: the run's name.
        status: `new`, `running`, `completed` or `failed`.
        error: what it failed of; None otherwise.
    """

    def __init__(
        self,
        model: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        artifacts: Path | None = None,
        store_url: str | None = None,
        log_dir: Path | str | None = None,
        push: str | None = None,
        serve_metrics: int | str | None = None,
        run_id: str | None = None,
        data_version: str | None = None,
        data_timestamp: datetime | None = None,
        unit: Unit | None = None,
        commit: str | None = None,
        registry: CollectorRegistry = REGISTRY,
        pushgateway: str | None = None,
    ) -> None:
        self.model = model
        self.run_id = run_id or f"{model}_{datetime.now(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
        self.status: Literal["new", "running", "completed", "failed"] = "new"
        self.error: BaseException | None = None
        self._parameters = dict(parameters or {})
        self._data_timestamp = data_timestamp
        self._unit: Unit = unit or ("epoch" if "epochs" in self._parameters else "iteration")
        self._metrics = TrainingMetrics.of(registry)
        self._dropped = DroppedWrites.of(registry)
        self._log = RunLog(model, log_dir, self._dropped)
        self._effects = Effects(
            self.run_id,
            model,
            store_url=store_url,
            push=push or pushgateway,
            serve_metrics=serve_metrics,
            commit=commit,
            registry=registry,
            row={
                "hyperparameters": figures.as_json(self._parameters) or "{}",
                "data_version": data_version,
                "artifacts_path": None if artifacts is None else str(artifacts),
            },
        )
        self._extra: dict[str, Any] = {}
        self._process = os.getpid()
        self._started = self._last_round = 0.0
        self._fit_seconds: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the run has begun, in this process, and not ended."""
        return self.status == "running" and self._process == os.getpid()

    @property
    def metrics_port(self) -> int | None:
        """Where the metrics can be scraped now; None where they cannot."""
        return self._effects.metrics_port

    def start(self) -> Self:
        """Begin; once. A process that ends without `finish` or `fail` leaves a failed run."""
        if self.status != "new":
            return self
        self.status = "running"
        self._process = os.getpid()
        self._started = self._last_round = perf_counter()
        recovery.opened(self.run_id)
        atexit.register(self._abandon)
        try:
            with self._guarded():
                self._metrics.in_progress.labels(self.model).inc()
                for status in ("completed", "failed"):
                    self._metrics.runs.labels(self.model, status)
                self._dropped.expect("training", "closed", "error", "forked")
                if self._data_timestamp is not None:
                    self._metrics.data.labels(self.model).set(self._data_timestamp.timestamp())
            with self._guarded():
                self._log.open()
                self._log.info(logs.event("Training started", **self._parameters))
            self._effects.start()
        except BaseException as error:  # a signal; no block is entered, so nobody else ends the run
            self.fail(error)
            raise
        return self

    @_watching
    def iteration(
        self,
        /,
        number: int,
        total: int | None = None,
        *,
        loss: float | None = None,
        seconds: float | None = None,
        **details: object,
    ) -> None:
        """A round is over.

        Args:
            number: the round, from 1.
            total: how many there are to be; None where that is not known.
            loss: the loss after it.
            seconds: how long it took; by default the time since the round before.
            details: more for the log line, such as `samples=1600000`.
        """
        now = perf_counter()
        took = now - self._last_round if seconds is None else float(seconds)
        self._last_round = now
        loss = None if loss is None else float(loss)
        self._log.info(
            lines.iteration_line(self._unit, number, total, loss=loss, seconds=took, details=details)
        )
        self._metrics.iteration_duration.labels(self.model).observe(took)
        if loss is not None:
            self._metrics.loss.labels(self.model).set(loss)
        self._effects.add_iteration(int(number), loss, took)

    @_watching
    def validation(self, metrics: Mapping[str, float]) -> None:
        """The model was measured on the validation split after the newest round: `{"ndcg@10": 0.153}`."""
        self._log.info(lines.metrics_line("Validation", metrics))
        self._set_metrics(metrics, "validation")
        recall, ndcg = figures.pick(metrics, "recall"), figures.pick(metrics, "ndcg")
        self._effects.amend_iteration(validation_recall=recall, validation_ndcg=ndcg)
        self._keep("validation", {name: float(value) for name, value in metrics.items()})

    @_watching
    def early_stopping(self, best_iteration: int, metrics: Mapping[str, float] | None = None) -> None:
        """Training stops before its last round; the best round, from 1, and its metrics."""
        self._log.info(lines.early_stopping_line(self._unit, best_iteration, metrics or {}))
        self._effects.update(best_iteration=int(best_iteration))

    @_watching
    def evaluation(
        self, metrics: Mapping[str, float], *, baseline: Mapping[str, float] | None = None
    ) -> None:
        """Fitting is over and the model was measured on the test split.

        Args:
            metrics: such as `{"recall@10": 0.234, "coverage": 0.41}` or `{"rmse": 0.91, "mae": 0.70}`.
            baseline: the same metrics of a baseline, such as popularity.
        """
        self._fitted()
        self._log.info(lines.metrics_line("Evaluation", metrics))
        self._set_metrics(metrics, "test")
        if baseline:
            self._log.info(lines.metrics_line("Baseline", baseline))
            for name, value in baseline.items():
                self._metrics.baseline_metric.labels(self.model, name).set(value)
            self._extra["baseline"] = {name: float(value) for name, value in baseline.items()}
        self._extra.update(figures.without_columns(metrics))
        self._effects.update(
            **figures.as_columns(metrics, baseline or {}), extra_metrics=figures.as_json(self._extra)
        )

    @_watching
    def cross_validation(self, results: Mapping[str, Sequence[float]]) -> None:
        """The model was cross-validated.

        Args:
            results: one value a fold for each metric, such as `{"rmse": [0.91, 0.92, 0.90]}`, or what
                `cross_validate` of scikit-surprise or scikit-learn gives.
        """
        result = figures.cross_validate(results)
        self._log.info(lines.cross_validation_line(result))
        self._set_metrics(result.mean, "cross_validation")
        self._set_metrics({f"{name}_std": std for name, std in result.std.items()}, "cross_validation")
        spreads = {name: {"mean": mean, "std": result.std[name]} for name, mean in result.mean.items()}
        self._keep("cross_validation", {"folds": result.folds, **spreads})

    @_watching
    def saved(self, path: Path | str) -> None:
        """The model's files are at this path."""
        self._log.info(logs.event("Artifacts saved", path=path))
        self._effects.update(artifacts_path=str(path))

    def finish(self) -> None:
        """The training is over and went well; nothing where the run is over already."""
        if self.is_open:
            self._end(None)

    def fail(self, error: BaseException | str) -> None:
        """The training is over and failed of this; nothing where the run is over already."""
        if self.is_open:
            self._end(error if isinstance(error, BaseException) else RuntimeError(error))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.fail(error)

    def _end(self, error: BaseException | None) -> None:
        self.error = error
        status: Literal["completed", "failed"] = "completed" if error is None else "failed"
        text = None if error is None else _describe(error)
        with self._guarded():
            if error is None:
                self._fitted()
            total = perf_counter() - self._started
            if text is not None:
                self._log.error(logs.event("Training failed", error=text, total_time=f"{total:.1f}s"))
            self._count_end(status, total)
            seconds = total if self._fit_seconds is None else self._fit_seconds
            self._effects.update(error=text, training_time_seconds=seconds)
        self.status = status
        atexit.unregister(self._abandon)
        self._effects.end(status)
        recovery.closed(self.run_id)
        with self._guarded():
            self._log.close()

    def _count_end(self, status: str, seconds: float) -> None:
        self._metrics.in_progress.labels(self.model).dec()
        self._effects.count_end(status)
        if status == "completed":
            self._metrics.duration.labels(self.model).set(seconds)
            self._metrics.last_success.labels(self.model).set_to_current_time()
        else:
            self._metrics.last_failure.labels(self.model).set_to_current_time()

    def _abandon(self) -> None:
        """Nobody ended the run, and the process ends."""
        self.fail(Unfinished("the process ended and nobody had called finish or fail"))

    def _fitted(self) -> None:
        if self._fit_seconds is None:
            self._fit_seconds = perf_counter() - self._started
            self._log.info(logs.event("Training completed", total_time=f"{self._fit_seconds:.1f}s"))

    def _set_metrics(self, metrics: Mapping[str, float], split: str) -> None:
        for name, value in metrics.items():
            self._metrics.metric.labels(self.model, name, split).set(value)

    def _keep(self, name: str, figure: object) -> None:
        """Keep a figure that has no column."""
        self._extra[name] = figure
        self._effects.update(extra_metrics=figures.as_json(self._extra))

    def _ignore(self, call: str) -> None:
        forked = self.status == "running"
        with self._guarded():
            self._dropped.drop("training", "forked" if forked else "closed", f"{call} of {self.run_id}")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - watching must never break a training
            self._dropped.drop("training", "error", error)


def _describe(error: BaseException) -> str:
    return mask_passwords(f"{type(error).__name__}: {error}")[:_ERROR_LENGTH]
