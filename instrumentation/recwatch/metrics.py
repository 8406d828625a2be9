"""Every metric that recwatch's library exports, declared once. `docs/metrics.md` says who reads each.

Each class builds its metrics on a registry; `of(registry)` gives the one set that a registry holds, so that
two middlewares or two models share it. Times are in seconds, shares between 0 and 1.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Self, TypeVar
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from recwatch.exposition import render, without_created

__all__ = ["DroppedWrites", "HttpMetrics", "ServingMetrics", "TrainingMetrics", "render", "without_created"]

# 200 ms is where the latency alert begins: it has a bound of its own.
_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0)
_ITERATION_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_LIST_LENGTH_BUCKETS = (0, 1, 5, 10, 20, 50, 100, 200)
_LOG_EVERY_SECONDS = 60.0
_LOGGER = logging.getLogger("recwatch.dropped")

Declared = TypeVar("Declared")
_sets: "WeakKeyDictionary[CollectorRegistry, dict[type[_MetricSet], _MetricSet]]" = WeakKeyDictionary()
_sets_lock = threading.RLock()


class _MetricSet:
    """Metrics that belong together on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

    @classmethod
    def of(cls, registry: CollectorRegistry) -> Self:
        """The set of this kind that the registry holds; built on first use."""
        with _sets_lock:
            sets = _sets.setdefault(registry, {})
            if cls not in sets:
                sets[cls] = cls(registry)
            found = sets[cls]
        if not isinstance(found, cls):
            raise TypeError(f"{found!r} was kept as a {cls.__name__}")
        return found

    def _declare(
        self, build: Callable[..., Declared], name: str, meaning: str, labels: str, **options: object
    ) -> Declared:
        """Build a metric; where the name is taken by other code, count the drop and go on unregistered."""
        labelnames = labels.split()
        try:
            return build(name, meaning, labelnames, registry=self.registry, **options)
        except ValueError as error:
            if isinstance(self, DroppedWrites):
                _LOGGER.warning("Metric not exported | name=%s, error=%s", name, error)
            else:
                DroppedWrites.of(self.registry).drop("registry", "duplicate", error)
            return build(name, meaning, labelnames, registry=None, **options)


class DroppedWrites(_MetricSet):
    """What instrumentation gave up so that the service or the training went on: counted and logged."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.total = self._declare(
            Counter,
            "recwatch_dropped_writes_total",
            "Writes of instrumentation that were given up, by where they should have gone and why.",
            "target reason",
        )
        self._last_logged: dict[tuple[str, str], float] = {}

    def expect(self, target: str, *reasons: str) -> None:
        """Export these label values from the start, at 0."""
        for reason in reasons:
            self.total.labels(target, reason)

    def drop(self, target: str, reason: str, error: object, *, writes: int = 1) -> None:
        """Count writes that were given up and say why, at most once a minute for each target and reason."""
        self.total.labels(target, reason).inc(writes)
        now = time.monotonic()
        if now - self._last_logged.get((target, reason), -_LOG_EVERY_SECONDS) >= _LOG_EVERY_SECONDS:
            self._last_logged[target, reason] = now
            _LOGGER.warning(
                "Write dropped | target=%s, reason=%s, writes=%d, error=%r", target, reason, writes, error
            )


class HttpMetrics(_MetricSet):
    """What the middleware counts of every request."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.requests = self._declare(
            Counter,
            "http_requests_total",
            "Requests by status: the code, or cancelled where the client went away first.",
            "method route status",
        )
        self.duration = self._declare(
            Histogram,
            "http_request_duration_seconds",
            "Time from a request's arrival to the end of its response.",
            "method route",
            buckets=_LATENCY_BUCKETS,
        )


class ServingMetrics(_MetricSet):
    """What a recommender says of its requests and its model."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        declare = self._declare
        self.requests = declare(
            Counter,
            "recommender_requests_total",
            "Recommendation requests by outcome: success, error or cancelled.",
            "model variant outcome",
        )
        self.duration = declare(
            Histogram,
            "recommender_request_duration_seconds",
            "Time that a recommendation took, with and without reranking.",
            "model variant reranked",
            buckets=_LATENCY_BUCKETS,
        )
        self.fallbacks = declare(
            Counter,
            "recommender_fallbacks_total",
            "Requests that the model could not answer, by the method that did.",
            "model variant method",
        )
        self.errors = declare(
            Counter, "recommender_errors_total", "Failed requests by type of error.", "model variant error"
        )
        self.recommendations = declare(
            Histogram,
            "recommender_recommendations",
            "Items returned by a request.",
            "model",
            buckets=_LIST_LENGTH_BUCKETS,
        )
        self.impressions = declare(
            Counter, "recommender_impressions_total", "Recommended items that were shown.", "model variant"
        )
        self.clicks = declare(
            Counter, "recommender_clicks_total", "Recommended items that were taken.", "model variant"
        )
        self.model_info = declare(
            Gauge,
            "recommender_model_info",
            "1 for the version in service.",
            "model version",
            multiprocess_mode="livemax",
        )
        self.model_trained = declare(
            Gauge,
            "recommender_model_trained_timestamp_seconds",
            "When the version in service was trained.",
            "model",
            multiprocess_mode="livemax",
        )
        self.reloads = declare(
            Counter, "recommender_model_reloads_total", "Loads of a model: success or error.", "model outcome"
        )
        self.loaded: dict[tuple[str, str], str] = {}
        """The version that each (model, variant) has loaded; the info metric shows no other."""


class TrainingMetrics(_MetricSet):
    """What a training says of itself, while it runs and when it is over."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.runs = self._declare(
            Counter, "training_runs_total", "Trainings that ended: completed or failed.", "model status"
        )
        self.duration = self._gauge("training_duration_seconds", "Time that the last training took.")
        self.iteration_duration = self._declare(
            Histogram,
            "training_iteration_duration_seconds",
            "Time that an iteration or epoch took.",
            "model",
            buckets=_ITERATION_BUCKETS,
        )
        self.in_progress = self._gauge("training_in_progress", "Trainings under way.", mode="livesum")
        self.loss = self._gauge("training_loss", "Loss after the last iteration.")
        self.metric = self._gauge(
            "training_metric",
            "Quality of the last training, by split: validation or test.",
            "model metric split",
        )
        self.baseline_metric = self._gauge(
            "training_baseline_metric", "Quality of the baseline on the same test split.", "model metric"
        )
        self.last_success = self._gauge(
            "training_last_success_timestamp_seconds", "When a training last completed.", mode="max"
        )
        self.last_failure = self._gauge(
            "training_last_failure_timestamp_seconds", "When a training last failed.", mode="max"
        )
        self.data = self._gauge(
            "training_data_timestamp_seconds", "The newest record that was trained on.", mode="max"
        )

    def _gauge(self, name: str, meaning: str, labels: str = "model", *, mode: str = "mostrecent") -> Gauge:
        return self._declare(Gauge, name, meaning, labels, multiprocess_mode=mode)
