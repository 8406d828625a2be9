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
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from time import perf_counter, time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.metrics import DroppedWrites, ServingMetrics

if TYPE_CHECKING:
    from recwatch.recorder import Recorder

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
        recorder: takes each request when it is over, for logs, the store and scores.
        registry: where the metrics are kept; objects on one registry share them.
    """

    def __init__(
        self,
        model: str,
        *,
        variant: str = "default",
        fallbacks: Iterable[str] = ("popularity",),
        recorder: "Recorder | None" = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self.model = model
        self.variant = variant
        self.version: str | None = None
        """The version in service: what `model_loaded` last said."""
        self.recorder = recorder
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

    def request(
        self,
        user_id: int | str | None = None,
        *,
        topk: int | None = None,
        exclude_seen: bool | None = None,
        filters: Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> "RecommenderRequest":
        """A context manager for one request; say inside what happened.

        Leaving the block counts the request and its time. An exception makes the outcome `error`, a
        cancellation or a client that went away `cancelled`; both go on their way.

        Args:
            user_id: for the log and the store; never a label.
            topk: how many items were asked for.
            exclude_seen: whether items that the user knows were to be left out.
            filters: what else the items had to fulfil; kept as given, so do not change it afterwards.
            request_id: names the request in logs.
        """
        return RecommenderRequest(
            self,
            user_id=user_id,
            topk=topk,
            exclude_seen=exclude_seen,
            filters=filters,
            request_id=request_id,
        )

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
        self.version = version
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

    def _record(self, request: "RecommenderRequest", count: int | None) -> None:
        self._requests[request.outcome].inc()
        self._duration[request.was_reranked].observe(request.seconds)
        if request.error is not None:
            self._metrics.errors.labels(self.model, self.variant, self._bounded(request.error)).inc()
        if request.fallback_method is not None:
            self._metrics.fallbacks.labels(self.model, self.variant, request.fallback_method).inc()
        if count is not None:
            self._recommendations.observe(count)
        if self.recorder is not None:
            request.timestamp = time() - request.seconds
            self.recorder.put(request)

    def _bounded(self, error: str) -> str:
        if error not in self._errors and len(self._errors) >= _MOST_ERRORS:
            return "other"
        self._errors.add(error)
        return error


class RecommenderRequest:
    """One request: under way, then its record. `RecommenderMetrics.request` makes it.

    Attributes:
        timestamp: when it began, in seconds since 1970; set where a recorder takes it.
        seconds: how long it took.
        model: the model's name.
        version: of the model that was in service when it began; None before `model_loaded`.
        variant: the arm of an A/B test.
        outcome: `success`, `error` or `cancelled`.
        error: the class of the exception that ended it.
        user_id: as given.
        topk: as given.
        exclude_seen: as given.
        filters: as given.
        request_id: names it in logs.
        items: ids of what was returned; set where a recorder takes it.
        item_scores: the model's scores of `items`, in their order.
        fallback_method: what answered where the model could not.
        was_reranked: whether the list was reranked.
        recent: ids of what the user took recently.
        collaborative: the candidates' scores by the collaborative model.
        content: the candidates' scores by content, in the same order.
        content_score: mean cosine of `items` with `recent`; set by `recwatch.scores.Scores`.
        semantic_alignment: rank correlation of `collaborative` and `content`; set likewise.
        diversity: mean pairwise cosine distance of `items`; set likewise.
    """

    # Defaults stand on the class: a request sets what differs, and only that costs time.
    timestamp: float = 0.0
    seconds: float = 0.0
    outcome: Outcome = "success"
    error: str | None = None
    items: tuple[Any, ...] | None = None
    item_scores: tuple[float, ...] | None = None
    fallback_method: str | None = None
    was_reranked: bool = False
    recent: tuple[Any, ...] | None = None
    collaborative: tuple[float, ...] | None = None
    content: tuple[float, ...] | None = None
    content_score: float | None = None
    semantic_alignment: float | None = None
    diversity: float | None = None
    _count: int | None = None

    def __init__(
        self,
        metrics: RecommenderMetrics,
        *,
        user_id: int | str | None,
        topk: int | None,
        exclude_seen: bool | None,
        filters: Mapping[str, Any] | None,
        request_id: str | None,
    ) -> None:
        self._metrics = metrics
        self.version = metrics.version
        self.user_id = user_id
        self.topk = topk
        self.exclude_seen = exclude_seen
        self.filters = filters
        self.request_id = request_id

    @property
    def model(self) -> str:
        """The model's name."""
        return self._metrics.model

    @property
    def variant(self) -> str:
        """The arm of an A/B test."""
        return self._metrics.variant

    def fallback(self, method: str) -> None:
        """The model could not answer; this method did. The last one said is counted, once a request."""
        self.fallback_method = method

    def returned(
        self,
        items: Collection[Any],
        *,
        scores: Collection[float] | None = None,
        recent: Collection[Any] | None = None,
    ) -> None:
        """The request returns these items; their number is observed.

        Args:
            items: their ids, best first.
            scores: the model's scores of them, in their order.
            recent: ids of what the user took recently.
        """
        try:
            self._count = len(items)
            if self._metrics.recorder is not None:
                self.items = _as_tuple(items)
                if scores is not None:
                    self.item_scores = _as_tuple(scores)
                if recent is not None:
                    self.recent = _as_tuple(recent)
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            self._metrics._dropped.drop("metrics", "error", fault)  # noqa: SLF001 - two halves of one thing

    def rerank(
        self,
        *,
        collaborative: Collection[float] | None = None,
        content: Collection[float] | None = None,
    ) -> None:
        """The list was reranked: its time counts with `reranked="true"`.

        Args:
            collaborative: the candidates' scores by the collaborative model.
            content: their scores by content, in the same order.
        """
        self.was_reranked = True
        try:
            if self._metrics.recorder is not None and collaborative is not None and content is not None:
                self.collaborative = _as_tuple(collaborative)
                self.content = _as_tuple(content)
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            self._metrics._dropped.drop("metrics", "error", fault)  # noqa: SLF001

    def __enter__(self) -> Self:
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.seconds = perf_counter() - self._started
        try:
            if error is not None:
                self.outcome = _outcome(error)
                if self.outcome == "error":
                    self.error = type(error).__name__
            self._metrics._record(self, self._count)  # noqa: SLF001 - two halves of one thing
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            self._metrics._dropped.drop("metrics", "error", fault)  # noqa: SLF001


def _as_tuple(values: Collection[Any]) -> tuple[Any, ...]:
    """A copy; arrays become Python's own numbers, which any log or database takes."""
    plain = values.tolist() if hasattr(values, "tolist") else values
    return tuple(plain)


def _outcome(error: BaseException) -> Outcome:
    gone = isinstance(error, asyncio.CancelledError) or type(error).__name__ == _DISCONNECT
    return "cancelled" if gone or not isinstance(error, Exception) else "error"
