"""Count what became of predictions and labels on a registry."""

from prometheus_client import CollectorRegistry

from recwatch.histogram import observe_all
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
        self._steps: dict[tuple[Event, ...], int] = {}
        self._lags: list[float] = []

    def add(self, events: tuple[Event, ...], lag: float | None = None) -> None:
        """Note the events of a step, and how long after its prediction a label was joined, if one was.

        A request pays a dictionary for it; `publish` brings it to the counters. Whoever calls the two holds a
        lock, or is one thread.
        """
        self._steps[events] = self._steps.get(events, 0) + 1
        if lag is not None:
            self._lags.append(lag)

    def publish(self) -> None:
        """Bring what was noted to the counters. A label from before its prediction has a lag of 0."""
        steps, self._steps = self._steps, {}
        lags, self._lags = self._lags, []
        for event, times in ((event, times) for events, times in steps.items() for event in events):
            counter = self._counters.get(event)
            if counter is None:
                self.drop("repeated", "a prediction_id was recorded before", writes=times)
            else:
                counter.inc(times)
        observe_all(self._lag, [max(lag, 0.0) for lag in lags])

    def clear(self) -> None:
        """Forget what was noted and not published: in the child of a fork, it is the parent's to publish."""
        self._steps, self._lags = {}, []

    def drop(self, reason: str, error: object, *, writes: int = 1) -> None:
        """Writes were given up."""
        self.dropped.drop(TARGET, reason, error, writes=writes)
