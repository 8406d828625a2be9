"""One training of one model, watched from its start to its end."""

import math
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from recwatch import logs
from recwatch.exposition import forget
from recwatch.metrics import DroppedWrites, TrainingMetrics
from recwatch.runs.texts import showable, shown, storable
from recwatch.training import figures, lines
from recwatch.training.effects import Effects
from recwatch.training.lifecycle import Lifecycle, watching
from recwatch.training.lines import Unit
from recwatch.training.log import RunLog

__all__ = ["TrainingRun", "Unit"]


class TrainingRun(Lifecycle):
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
        run_id: the run's name in the store; one is made by default. A run of that name that is over begins
            anew; where it still runs, this one gets a suffix.
        data_version: what the training data is, such as a hash or a date range.
        data_timestamp: the newest record of the training data, aware.
        unit: what a round is called in the log; by default `epoch` where the parameters have
            `epochs` or `n_epochs`.
        commit: the commit that the code is at; by default the working directory's.
        registry: where the metrics are kept.

    Attributes:
        model: as given.
        run_id: the run's name; known for certain once it has started.
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
    ) -> None:
        model = storable(str(model))
        name = storable(run_id or f"{model}_{datetime.now(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(3)}")
        dropped = DroppedWrites.of(registry)
        parameters, hyperparameters = _read(parameters, dropped)
        effects = Effects(
            name,
            model,
            store_url=store_url,
            push=push,
            serve_metrics=serve_metrics,
            commit=commit,
            registry=registry,
            row={
                "hyperparameters": hyperparameters,
                "data_version": data_version,
                "artifacts_path": None if artifacts is None else str(artifacts),
            },
        )
        super().__init__(
            model,
            parameters=parameters,
            data_timestamp=data_timestamp,
            metrics=TrainingMetrics.of(registry),
            dropped=dropped,
            log=RunLog(model, log_dir, dropped),
            effects=effects,
        )
        self._unit: Unit = unit or lines.unit_of(parameters)
        self._extra: dict[str, Any] = {}

    @property
    def metrics_port(self) -> int | None:
        """Where the metrics can be scraped now; None where they cannot."""
        return self._effects.metrics_port

    @watching
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
        took = now - self._last_round if seconds is None else figures.as_number("seconds", seconds)
        self._last_round = now
        loss = None if loss is None else figures.as_number("loss", loss)
        self._round_over(figures.as_number("number", number), total)
        self._log.info(
            lines.iteration_line(self._unit, number, total, loss=loss, seconds=took, details=details)
        )
        if 0 <= took < math.inf:  # one NaN would make the histogram's sum NaN for good
            self._metrics.iteration_duration.labels(self.model).observe(took)
        if loss is not None:
            _set(self._metrics.loss, loss, self.model)
            self._metrics.loss_not_finite.labels(self.model).set(not math.isfinite(loss))
        self._effects.add_iteration(
            int(number), None if loss is None else figures.finite(loss), figures.finite(took)
        )

    @watching
    def validation(self, metrics: Mapping[str, float]) -> None:
        """The model was measured on the validation split after the newest round: `{"ndcg@10": 0.153}`."""
        metrics = figures.named(metrics)
        self._log.info(lines.metrics_line("Validation", metrics))
        self._set_metrics(metrics, "validation")
        recall, ndcg = figures.pick(metrics, "recall"), figures.pick(metrics, "ndcg")
        self._effects.amend_iteration(validation_recall=recall, validation_ndcg=ndcg)
        self._keep("validation", metrics)

    @watching
    def early_stopping(self, best_iteration: int, metrics: Mapping[str, float] | None = None) -> None:
        """Training stops before its last round; the best round, from 1, and its metrics."""
        measured = figures.named(metrics or {})
        self._more_to_come = False
        self._log.info(lines.early_stopping_line(self._unit, best_iteration, measured))
        self._effects.update(best_iteration=int(best_iteration))

    @watching
    def evaluation(
        self, metrics: Mapping[str, float], *, baseline: Mapping[str, float] | None = None
    ) -> None:
        """The model was measured on the test split.

        Where that says that fitting is over, because the last of the rounds announced is done, training was
        stopped early or no round was told, `Training completed` is logged before it; else at the run's end.

        Args:
            metrics: such as `{"recall@10": 0.234, "coverage": 0.41}` or `{"rmse": 0.91, "mae": 0.70}`.
            baseline: the same metrics of a baseline, such as popularity.
        """
        self._fitted(over=not self._more_to_come)
        metrics, baseline = figures.named(metrics), figures.named(baseline or {})
        self._log.info(lines.metrics_line("Evaluation", metrics))
        self._set_metrics(metrics, "test")
        if baseline:
            self._log.info(lines.metrics_line("Baseline", baseline))
            for name, value in baseline.items():
                _set(self._metrics.baseline_metric, value, self.model, name)
            self._extra["baseline"] = baseline
        self._extra.update(figures.without_columns(metrics))
        self._effects.update(
            **figures.as_columns(metrics, baseline), extra_metrics=figures.as_json(self._extra)
        )

    @watching
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

    @watching
    def saved(self, path: Path | str) -> None:
        """The model's files are at this path."""
        self._log.info(logs.event("Artifacts saved", path=path))
        self._effects.update(artifacts_path=str(path))

    def _set_metrics(self, metrics: Mapping[str, float], split: str) -> None:
        for name, value in metrics.items():
            _set(self._metrics.metric, value, self.model, name, split)

    def _keep(self, name: str, figure: object) -> None:
        """Keep a figure that has no column."""
        self._extra[name] = figure
        self._effects.update(extra_metrics=figures.as_json(self._extra))


def _read(parameters: Mapping[str, Any] | None, dropped: DroppedWrites) -> tuple[dict[str, Any], str]:
    """Parameters for the log line, and as JSON for the row; none where they cannot be read."""
    try:
        found = dict(parameters or {})
        as_json = figures.as_json(found) or "{}"
        return {shown(key): showable(value) for key, value in found.items()}, as_json
    except Exception as error:  # noqa: BLE001 - watching must never break a training
        dropped.drop("training", "error", error)
        return {}, "{}"


def _set(gauge: Gauge, value: float, *labels: str) -> None:
    """Show a figure; one that is not finite is absent, so that nothing is computed with it."""
    if math.isfinite(value):
        gauge.labels(*labels).set(value)
    else:
        forget(gauge, *labels)
