"""Watch a recommender, in any framework or none.

metrics = RecommenderMetrics("als")

def recommend(user):
    with metrics.request() as request:
        items = model.recommend(user)
        if not items:
            items = popular()
            request.fallback("popularity")
        request.returned(items)
        return items
"""

import asyncio
from collections.abc import Iterable, Sized
from datetime import datetime
from time import perf_counter
from types import TracebackType
from typing import Literal, Self

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.metrics import DroppedWrites, ServingMetrics

__all__ = ["Outcome", "RecommenderMetrics", "RecommenderRequest"]

Outcome = Literal["success", "error", "cancelled"]

_OUTCOMES: tuple[Outcome, ...] = ("success", "error", "cancelled")
# The label `error` is the exception's class; code that makes classes on the fly must not make series so.
_MOST_ERRORS = 50
# Starlette's sign that the client went away, known by name so that Starlette need not be there.
_DISCONNECT = "ClientDisconnect"


class RecommenderMetrics:
    """The metrics of one model, or of one arm of an A/B test.

    Args:
        model: the model's name, such as `als`; its version goes to `model_loaded`.
        variant: the arm.
        fallbacks: the fallback methods that can occur, exported at 0 from the start.
        registry: where the metrics are kept; objects on one registry share them.
    """

    def __init__(
        self,
        model: str,
        *,
        variant: str = "default",
        fallbacks: Iterable[str] = ("popularity",),
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self.model = model
        self.variant = variant
        self._metrics = metrics = ServingMetrics.of(registry)
        self._dropped = DroppedWrites.of(registry)
        self._dropped.expect("metrics", "error")
        self._requests = {outcome: metrics.requests.labels(model, variant, outcome) for outcome in _OUTCOMES}
        self._duration = {
            on: metrics.duration.labels(model, variant, str(on).lower()) for on in (False, True)
        }
        self._recommendations = metrics.recommendations.labels(model)
        self._impressions = metrics.impressions.labels(model, variant)
        self._clicks = metrics.clicks.labels(model, variant)
        self._reloads = {
            "success": metrics.reloads.labels(model, "success"),
            "error": metrics.reloads.labels(model, "error"),
        }
        self._errors: set[str] = set()
        for method in fallbacks:
            metrics.fallbacks.labels(model, variant, method)

    def request(self) -> "RecommenderRequest":
        """A context manager for one request; say inside what happened.

        Leaving the block counts the request and its time. An exception makes the outcome `error`, a
        cancellation or a client that went away `cancelled`; both go on their way.
        """
        return RecommenderRequest(self)

    def impressions(self, count: int = 1) -> None:
        """Recommended items were shown."""
        self._impressions.inc(count)

    def clicks(self, count: int = 1) -> None:
        """Recommended items were taken."""
        self._clicks.inc(count)

    def model_loaded(self, version: str, trained_at: datetime) -> None:
        """A version is in service from now on; the series of the one before goes.

        Args:
            version: such as `v3_20261121_031500`.
            trained_at: when it was trained, aware.
        """
        loaded = self._metrics.loaded
        before = loaded.get((self.model, self.variant))
        loaded[self.model, self.variant] = version
        in_service = {version for (model, _), version in loaded.items() if model == self.model}
        if before is not None and before not in in_service:
            self._metrics.model_info.remove(self.model, before)
        self._metrics.model_info.labels(self.model, version).set(1)
        self._metrics.model_trained.labels(self.model).set(trained_at.timestamp())

    def reload(self, outcome: Literal["success", "error"]) -> None:
        """A load of a model ended well or not."""
        self._reloads[outcome].inc()

    def _record(
        self, request: "RecommenderRequest", outcome: Outcome, error: str | None, seconds: float
    ) -> None:
        self._requests[outcome].inc()
        self._duration[request.was_reranked].observe(seconds)
        if error is not None:
            self._metrics.errors.labels(self.model, self.variant, self._bounded(error)).inc()
        if request.fallback_method is not None:
            self._metrics.fallbacks.labels(self.model, self.variant, request.fallback_method).inc()
        if request.items is not None:
            self._recommendations.observe(len(request.items))

    def _bounded(self, error: str) -> str:
        if error not in self._errors and len(self._errors) >= _MOST_ERRORS:
            return "other"
        self._errors.add(error)
        return error


class RecommenderRequest:
    """One request under way; `RecommenderMetrics.request` makes it."""

    __slots__ = ("_metrics", "_started", "fallback_method", "items", "was_reranked")

    def __init__(self, metrics: RecommenderMetrics) -> None:
        self._metrics = metrics
        self._started = 0.0
        self.fallback_method: str | None = None
        self.items: Sized | None = None
        self.was_reranked = False

    def fallback(self, method: str) -> None:
        """The model could not answer; this method did. The last one said is counted, once a request."""
        self.fallback_method = method

    def returned(self, items: Sized) -> None:
        """The request returns these items; their number is observed."""
        self.items = items

    def reranked(self) -> None:
        """The list was reranked: its time counts with `reranked="true"`."""
        self.was_reranked = True

    def __enter__(self) -> Self:
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        seconds = perf_counter() - self._started
        try:
            outcome = _outcome(error)
            name = type(error).__name__ if outcome == "error" else None
            self._metrics._record(self, outcome, name, seconds)  # noqa: SLF001 - two halves of one thing
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            self._metrics._dropped.drop("metrics", "error", fault)  # noqa: SLF001


def _outcome(error: BaseException | None) -> Outcome:
    if error is None:
        return "success"
    gone = isinstance(error, asyncio.CancelledError) or type(error).__name__ == _DISCONNECT
    return "cancelled" if gone or not isinstance(error, Exception) else "error"
