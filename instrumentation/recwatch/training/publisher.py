"""Leave a run's metrics where they are scraped when its process is gone: a Pushgateway, a file."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from recwatch import push, textfile
from recwatch.exposition import Selection
from recwatch.metrics import DroppedWrites, TrainingMetrics
from recwatch.redaction import mask_passwords
from recwatch.training.worker import Worker

__all__ = ["Publisher", "publish_counts"]

_JOB = "training"
_IN_PROGRESS = "training_in_progress"
_TEXTFILE = "textfile:"
_PUSHGATEWAY = "pushgateway://"
# A Pushgateway that does not answer holds a training up by half a second at its start and, not trusted any
# more, by as much at its end.
_START_TIMEOUT_SECONDS = 0.5
_END_TIMEOUT_SECONDS = 5.0
# For what no socket's timeout ends, such as a name server that is silent or an answer that trickles in.
_PATIENCE_SECONDS = 0.5
# What a failed run pushes. The rest of the group stays: the figures of the last run that completed.
_PUSHED_BY_A_FAILURE = frozenset(
    {
        "recwatch_dropped_writes",
        _IN_PROGRESS,
        "training_last_failure_timestamp_seconds",
        "training_runs",
    }
)


class _Send(Protocol):
    def __call__(self, metrics: Collector, *, model: str, dropped: DroppedWrites, timeout: float) -> bool: ...


class Publisher:
    """Publishes a model's metrics at the start and at the end of a run, and never waits for long.

    Args:
        setting: `host:port` or a URL of a Pushgateway, or `textfile:` and a folder.
        model: the model's name.
        registry: with the metrics.
    """

    def __init__(self, setting: str, model: str, registry: CollectorRegistry) -> None:
        self._send, target, reasons = _destination(setting)
        self._setting = mask_passwords(setting)
        self._model = model
        self._registry = registry
        self._target = target
        self._dropped = DroppedWrites.of(registry)
        self._dropped.expect(target, *reasons)
        self._timeout = _END_TIMEOUT_SECONDS
        self._worker = Worker(
            "recwatch-publisher", lambda error: self._dropped.drop("training", "error", error)
        )
        self._worker.start()

    def start(self, running: int | None = None) -> None:
        """Publish that the run is under way.

        Args:
            running: how many of the model's runs are, of all processes; by default of this one.
        """

        def belongs(family: Metric, sample: Sample) -> bool:
            return family.name == _IN_PROGRESS and sample.labels.get("model") == self._model

        if not self._publish(belongs, running, _START_TIMEOUT_SECONDS):
            self._timeout = _START_TIMEOUT_SECONDS

    def end(self, status: str, running: int | None = None) -> bool:
        """Publish all that there is of the model; of a failed run, only what a failure changes.

        Args:
            status: the run's.
            running: as at the start.

        Returns:
            Whether it was taken.
        """

        def belongs(family: Metric, sample: Sample) -> bool:
            if status == "failed" and family.name not in _PUSHED_BY_A_FAILURE:
                return False
            ours = family.name.startswith("training_") and sample.labels.get("model") == self._model
            return ours or family.name == "recwatch_dropped_writes"

        return self._publish(belongs, running, self._timeout)

    def close(self) -> None:
        """Nothing more is published."""
        self._worker.close()

    def _publish(
        self, belongs: Callable[[Metric, Sample], bool], running: int | None, timeout: float
    ) -> bool:
        taken: list[bool] = []

        def send() -> None:
            metrics: Collector = Selection(self._registry, belongs)
            if running is not None:
                metrics = _Running(metrics, running)
            taken.append(self._send(metrics, model=self._model, dropped=self._dropped, timeout=timeout))

        if not self._worker.call(send, timeout + _PATIENCE_SECONDS):
            self._dropped.drop(self._target, "timeout", f"{self._setting}: nothing within {timeout} s")
        return taken == [True]


class _Running(Collector):
    """What a collector says, but for how many runs are under way: a process knows only of its own.

    Args:
        source: yields copies, which are changed.
        running: the number.
    """

    def __init__(self, source: Collector, running: int) -> None:
        self._source = source
        self._running = float(running)

    def collect(self) -> Iterable[Metric]:
        for family in self._source.collect():
            if family.name == _IN_PROGRESS:
                family.samples = [sample._replace(value=self._running) for sample in family.samples]
            yield family


def publish_counts(
    setting: str,
    model: str,
    counts: Mapping[str, int],
    *,
    failed_at: datetime,
    registry: CollectorRegistry,
) -> bool:
    """Publish a model's runs as the store counts them; for a model that no process speaks for any more.

    Args:
        setting: as of `Publisher`.
        model: the model's name.
        counts: runs by status; `running` becomes `training_in_progress`.
        failed_at: when the last one failed, aware.
        registry: where a failure to publish is counted.

    Returns:
        Whether it was taken.
    """
    send, target, reasons = _destination(setting)
    dropped = DroppedWrites.of(registry)
    dropped.expect(target, *reasons)
    apart = CollectorRegistry()
    metrics = TrainingMetrics.of(apart)
    metrics.in_progress.labels(model).set(counts.get("running", 0))
    metrics.last_failure.labels(model).set(failed_at.timestamp())
    for status in ("completed", "failed"):
        metrics.runs.labels(model, status).inc(counts.get(status, 0))
    return send(apart, model=model, dropped=dropped, timeout=_END_TIMEOUT_SECONDS)


def _destination(setting: str) -> tuple[_Send, str, tuple[str, ...]]:
    if setting.startswith(_TEXTFILE):
        folder = Path(setting.removeprefix(_TEXTFILE))

        def write(metrics: Collector, *, model: str, dropped: DroppedWrites, timeout: float) -> bool:  # noqa: ARG001
            key = {"model": model}
            return textfile.write_textfile(folder, metrics, job=_JOB, grouping_key=key, dropped=dropped)

        return write, textfile.TARGET, (*textfile.REASONS, "timeout")
    gateway = setting.removeprefix(_PUSHGATEWAY)

    def send(metrics: Collector, *, model: str, dropped: DroppedWrites, timeout: float) -> bool:
        key = {"model": model}
        return push.push(gateway, metrics, job=_JOB, grouping_key=key, dropped=dropped, timeout=timeout)

    return send, push.TARGET, push.REASONS
