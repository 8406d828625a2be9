"""Every metric that recwatch's library exports, declared once. `docs/metrics.md` says who reads each.

Each class builds its metrics on a registry; `of(registry)` gives the one set that a registry holds, so that
two middlewares or two models share it. Times are in seconds, shares between 0 and 1.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Self, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from recwatch.exposition import render, without_created
from recwatch.guarded import Guarded, Unrecorded
from recwatch.metric_kinds import kind_of
from recwatch.multiprocess import folder
from recwatch.pending import Fed, Pending

__all__ = [
    "DroppedWrites",
    "HealthMetrics",
    "HttpMetrics",
    "PipelineMetrics",
    "QualityMetrics",
    "ServingMetrics",
    "TrainingMetrics",
    "render",
    "without_created",
]

# 200 ms is where the latency alert begins: it has a bound of its own.
_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0)
_ITERATION_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_LIST_LENGTH_BUCKETS = (0, 1, 5, 10, 20, 50, 100, 200)
# Cosines lie between -1 and 1; distances, which are 1 - cosine, between 0 and 2.
_SIMILARITY_BUCKETS = (-0.8, -0.6, -0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_DISTANCE_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)
# Models score as probabilities, as dot products or in stars: fine below 1, half steps to 5, coarse beyond.
_SCORE_BUCKETS = (
    *(-10, -1, -0.5, 0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    *(1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 10.0, 20.0, 50.0, 100.0),
)
_LAG_BUCKETS = (
    1,
    10,
    60,
    300,
    900,
    3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    86400,
    3 * 86400,
    7 * 86400,
    30 * 86400,
)
_LOG_EVERY_SECONDS = 60.0
_LOGGER = logging.getLogger("recwatch.dropped")

Declared = TypeVar("Declared")
# A registry keeps its own sets, so that they go when it goes. They hold it: in a dict of ours it would stay.
_SETS = "_recwatch_metric_sets"
_sets_lock = threading.RLock()


class _MetricSet:
    """Metrics that belong together on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

    @classmethod
    def of(cls, registry: CollectorRegistry) -> Self:
        """The set of this kind that the registry holds; built on first use."""
        with _sets_lock:
            sets: dict[type[_MetricSet], _MetricSet] = vars(registry).setdefault(_SETS, {})
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
            metric = kind_of(build)(name, meaning, labelnames, registry=self.registry, **options)
        except ValueError as error:
            _LOGGER.warning("Metric not exported | name=%s, error=%s", name, error)
            self._refused("registry", "duplicate", error)
            if folder() is not None:  # there the file has one series a name: ours would be added to theirs
                return cast("Declared", Unrecorded())
            return build(name, meaning, labelnames, registry=None, **options)
        if isinstance(metric, Guarded):
            metric.refused = partial(self._refused, "metrics", "folder")
            if not isinstance(self, DroppedWrites):  # its series must be there before the disk is full
                DroppedWrites.of(self.registry).expect("metrics", "folder")
        return metric

    def _refused(self, target: str, reason: str, error: Exception) -> None:
        DroppedWrites.of(self.registry).drop(target, reason, error)


def _feed(pending: Pending, *metrics: object) -> None:
    """Have metrics count what waits before they are read; where several processes write, nothing waits."""
    for metric in metrics:
        if isinstance(metric, Fed):
            metric.pending = pending


class DroppedWrites(_MetricSet):
    """What instrumentation gave up so that the service or the training went on: counted and logged."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self._last_logged: dict[tuple[str, str], float] = {}
        self.total = self._declare(
            Counter,
            "recwatch_dropped_writes_total",
            "Writes of instrumentation that were given up, by where they should have gone and why.",
            "target reason",
        )

    def expect(self, target: str, *reasons: str) -> None:
        """Export these label values from the start, at 0."""
        for reason in reasons:
            self.total.labels(target, reason)

    def drop(self, target: str, reason: str, error: object, *, writes: int = 1) -> None:
        """Count writes that were given up and say why, at most once a minute for each target and reason."""
        try:
            self.total.labels(target, reason).inc(writes)
        except Exception as fault:  # noqa: BLE001 - it cannot be counted: the log line has to do
            error = f"{error!r}, and not counted: {fault!r}"
        self._log(target, reason, error, writes)

    def _refused(self, target: str, reason: str, error: Exception) -> None:
        self._log(target, reason, error, 1)

    def _log(self, target: str, reason: str, error: object, writes: int) -> None:
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
        self.pending = Pending()
        """Requests that are not counted yet; the metrics that count them do so before they are read."""
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
        self.first_byte = self._declare(
            Histogram,
            "http_time_to_first_byte_seconds",
            "Time from a request's arrival to the first byte of the body of a streamed response.",
            "method route",
            buckets=_LATENCY_BUCKETS,
        )
        _feed(self.pending, self.requests, self.duration, self.first_byte)


class ServingMetrics(_MetricSet):
    """What a recommender says of its requests and its model."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.pending = Pending()
        """Requests that are not counted yet; the metrics that count them do so before they are read."""
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
        self.score = declare(
            Histogram,
            "recommender_score",
            "Scores that the model gave to the items it returned.",
            "model variant",
            buckets=_SCORE_BUCKETS,
        )
        self.content_score = declare(
            Histogram,
            "recommender_content_score",
            "Mean cosine of the returned items with the user's recent items.",
            "model reranked",
            buckets=_SIMILARITY_BUCKETS,
        )
        self.semantic_alignment = declare(
            Histogram,
            "recommender_semantic_alignment",
            "Rank correlation of the collaborative and the content order of the candidates.",
            "model reranked",
            buckets=_SIMILARITY_BUCKETS,
        )
        self.diversity = declare(
            Histogram,
            "recommender_diversity",
            "Mean pairwise cosine distance of the returned items' embeddings.",
            "model reranked",
            buckets=_DISTANCE_BUCKETS,
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
        self.last_reload = declare(
            Gauge,
            "recommender_model_last_reload_successful",
            "Whether the last load of a model ended well.",
            "model",
            multiprocess_mode="livemin",
        )
        self.loaded: dict[tuple[str, str], str] = {}
        """The version that each (model, variant) has loaded; the info metric shows no other."""
        counted = (self.requests, self.duration, self.fallbacks, self.errors, self.recommendations)
        _feed(self.pending, *counted)


class TrainingMetrics(_MetricSet):
    """What a training says of itself, while it runs and when it is over."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.runs = self._declare(
            Counter, "training_runs_total", "Trainings that ended: completed or failed.", "model status"
        )
        self.seconds = self._declare(
            Counter, "training_seconds_total", "Time that trainings took, in whole seconds.", "model"
        )
        self.elapsed_ms: dict[str, int] = {}
        """What they took to the millisecond, by model; the counter has the whole seconds of it."""
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
        self.loss_not_finite = self._gauge(
            "training_loss_not_finite", "1 where the loss after the last iteration is NaN or infinite."
        )
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


class PipelineMetrics(_MetricSet):
    """What a data pipeline says of itself, while it runs and when it is over."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.runs = self._declare(
            Counter, "pipeline_runs_total", "Runs that ended: completed or failed.", "pipeline status"
        )
        # No histogram: pushed by a process a run, it would hold one observation for ever.
        self.stage_duration = self._gauge(
            "pipeline_stage_duration_seconds",
            "Time that a stage took when it was last completed.",
            "pipeline stage",
        )
        self.in_progress = self._gauge("pipeline_in_progress", "Runs under way.", mode="livesum")
        self.last_success = self._gauge(
            "pipeline_last_success_timestamp_seconds", "When a run last completed.", mode="max"
        )
        self.last_failure = self._gauge(
            "pipeline_last_failure_timestamp_seconds", "When a run last failed.", mode="max"
        )

    def _gauge(self, name: str, meaning: str, labels: str = "pipeline", *, mode: str = "mostrecent") -> Gauge:
        return self._declare(Gauge, name, meaning, labels, multiprocess_mode=mode)


class QualityMetrics(_MetricSet):
    """How good predictions turn out to be once their labels are known."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.predictions = self._declare(
            Counter, "model_predictions_total", "Predictions that were recorded.", "model"
        )
        self.feedback = self._declare(
            Counter, "model_feedback_total", "Labels that were joined with their prediction.", "model"
        )
        self.unmatched = self._declare(
            Counter,
            "model_feedback_unmatched_total",
            "Labels that were joined with none: duplicate, expired or unknown.",
            "model reason",
        )
        self.expired = self._declare(
            Counter, "model_predictions_expired_total", "Predictions that got no label in time.", "model"
        )
        self.lag = self._declare(
            Histogram,
            "model_feedback_lag_seconds",
            "Time from a prediction to its label.",
            "model",
            buckets=_LAG_BUCKETS,
        )
        self.quality = self._gauge("model_quality", "A metric over the window of labelled predictions.")
        self.baseline = self._gauge("model_quality_baseline", "What the metric is held against.")
        self.degraded = self._gauge(
            "model_quality_degraded", "1 where the metric is worse than its baseline by the tolerated drop."
        )
        self.samples = self._gauge(
            "model_quality_samples", "Labelled predictions in the window.", labels="model"
        )
        arm = "model variant metric"
        self.variant_quality = self._gauge("model_variant_quality", "The metric of one arm.", labels=arm)
        self.variant_samples = self._gauge(
            "model_variant_samples", "Labelled predictions of one arm since its test began.", "model variant"
        )
        self.difference = self._gauge(
            "model_variant_difference", "The arm's metric less that of the control arm.", labels=arm
        )
        self.difference_low = self._gauge(
            "model_variant_difference_low", "Lower end of the difference's confidence sequence.", labels=arm
        )
        self.difference_high = self._gauge(
            "model_variant_difference_high", "Upper end of the difference's confidence sequence.", labels=arm
        )
        self.p_value = self._gauge(
            "model_variant_p_value",
            "Always-valid p-value of the difference: it may be read at any time.",
            arm,
        )
        self.sample_ratio_p_value = self._gauge(
            "model_sample_ratio_p_value",
            "Always-valid p-value of the arms' traffic against the shares asked for.",
            labels="model",
        )

    def _gauge(self, name: str, meaning: str, labels: str = "model metric") -> Gauge:
        return self._declare(Gauge, name, meaning, labels, multiprocess_mode="mostrecent")


class HealthMetrics(_MetricSet):
    """What the checks of `recwatch.health` found."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.up = self._declare(
            Gauge,
            "health_check_up",
            "1 where the check passed, 0 where it failed or timed out.",
            "check",
            multiprocess_mode="mostrecent",
        )
        self.value = self._declare(
            Gauge,
            "health_check_value",
            "What the check measured, in the unit that its documentation says.",
            "check",
            multiprocess_mode="mostrecent",
        )
