"""What of a training is published when, and how a model is put right whose process is gone."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry

from recwatch.metrics import TrainingMetrics
from recwatch.runs.publisher import END_TIMEOUT_SECONDS, Destination, Kind

__all__ = ["TRAINING", "publish_counts"]

TRAINING = Kind(
    job="training",
    label="model",
    prefix="training_",
    in_progress="training_in_progress",
    counters=frozenset({"training_runs", "training_seconds"}),
    on_failure=frozenset({"training_last_failure_timestamp_seconds", "training_loss_not_finite"}),
)


def publish_counts(
    setting: str,
    model: str,
    counts: Mapping[str, int],
    *,
    elapsed_ms: int,
    failed_at: datetime,
    registry: CollectorRegistry,
) -> bool:
    """Publish a model's runs as the store counts them; for a model that no process speaks for any more.

    Args:
        setting: as of `recwatch.runs.publisher.Destination`.
        model: the model's name.
        counts: runs by status; `running` becomes `training_in_progress`.
        elapsed_ms: what all of them took, in milliseconds.
        failed_at: when the last one failed, aware.
        registry: where a failure to publish is counted.

    Returns:
        Whether it was taken.
    """
    apart = CollectorRegistry()
    metrics = TrainingMetrics.of(apart)
    metrics.in_progress.labels(model).set(counts.get("running", 0))
    metrics.last_failure.labels(model).set(failed_at.timestamp())
    metrics.seconds.labels(model).inc(elapsed_ms // 1000)
    for status in ("completed", "failed"):
        metrics.runs.labels(model, status).inc(counts.get(status, 0))
    return Destination(setting, registry).send(apart, TRAINING, model, END_TIMEOUT_SECONDS)
