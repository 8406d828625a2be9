"""Count what became of predictions and labels on a registry."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from recwatch.metrics import DroppedWrites, QualityMetrics
from recwatch.quality.records import Event

__all__ = ["REASONS", "TARGET", "Counts"]

TARGET = "quality"
REASONS = ("invalid", "repeated", "full", "closed", "locked", "unavailable", "error", "damaged")
_UNMATCHED: tuple[Event, ...] = ("duplicate", "expired", "unknown")


class Counts:
    """The counters of one model. Every known label value is exported at 0 from the start.

    Args:
        model: the model's name.
        registry: where the metrics are kept.
    """

    def __init__(self, model: str, registry: CollectorRegistry) -> None:
        metrics = QualityMetrics.of(registry)
        self.dropped = DroppedWrites.of(registry)
        self.dropped.expect(TARGET, *REASONS)
        self._counters = {
            "prediction": metrics.predictions.labels(model),
            "feedback": metrics.feedback.labels(model),
            "unlabelled": metrics.expired.labels(model),
            **{reason: metrics.unmatched.labels(model, reason) for reason in _UNMATCHED},
        }
        self._lag = metrics.lag.labels(model)

    def count(self, events: Iterable[Event]) -> None:
        """Count the events of a step."""
        for event in events:
            counter = self._counters.get(event)
            if counter is None:
                self.drop("repeated", "this prediction_id was recorded before")
            else:
                counter.inc()

    def lag(self, seconds: float) -> None:
        """A label was joined this long after its prediction; from before it, by skewed clocks, is 0."""
        self._lag.observe(seconds if seconds > 0 else 0.0)

    def drop(self, reason: str, error: object, *, writes: int = 1) -> None:
        """Writes were given up."""
        self.dropped.drop(TARGET, reason, error, writes=writes)
