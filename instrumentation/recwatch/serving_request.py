"""One recommendation request: what a service says of it while it runs, and its record when it is over.

`RecommenderMetrics.request` makes it. The way through it is kept short: requests are counted in
batches, what a request does not say costs nothing, and whatever goes wrong here is counted, never raised.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from time import perf_counter, time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from prometheus_client import Counter

from recwatch.histogram import exemplar_of, observe_all
from recwatch.metrics import DroppedWrites, ServingMetrics
from recwatch.pending import MOST

if TYPE_CHECKING:
    from recwatch.recorder import Recorder

__all__ = ["Arm", "Outcome", "RecommenderRequest"]

Outcome = Literal["success", "error", "cancelled"]

_OUTCOMES: tuple[Outcome, ...] = ("success", "error", "cancelled")
# An exception's class and a fallback's name are labels; code that makes them on the fly must not make series.
_MOST_NAMES = 50
# The first status that says that the service failed, not its caller.
_FIRST_FAILURE = 500
# Starlette's sign that the client went away, known by name so that Starlette need not be there.
_DISCONNECT = "ClientDisconnect"


class Arm:
    """What the requests of one model and variant write to, its children kept ready.

    Args:
        model: the model's name.
        variant: the arm of an A/B test.
        metrics: of the registry.
        fallbacks: methods that are exported at 0 from the start.
        recorder: takes each request when it is over.
        one_by_one: write each request at once; else in batches, with its id as an exemplar of its time.
    """

    def __init__(
        self,
        model: str,
        variant: str,
        *,
        metrics: ServingMetrics,
        fallbacks: Iterable[str],
        recorder: "Recorder | None",
        one_by_one: bool,
    ) -> None:
        self.model = model
        self.variant = variant
        self.version = metrics.loaded.get((model, variant))
        self.recorder = recorder
        self.one_by_one = one_by_one
        self.dropped = DroppedWrites.of(metrics.registry)
        self.dropped.expect("metrics", "error")
        self.waiting = metrics.pending.waiting
        self.write_all = metrics.pending.write_soon
        self._metrics = metrics
        self._outcomes = {outcome: metrics.requests.labels(model, variant, outcome) for outcome in _OUTCOMES}
        self._durations = {
            reranked: metrics.duration.labels(model, variant, str(reranked).lower())
            for reranked in (False, True)
        }
        self._lengths = metrics.recommendations.labels(model)
        self._errors: dict[str, Counter] = {}
        self._fallbacks = {method: metrics.fallbacks.labels(model, variant, method) for method in fallbacks}

    def write_one(self, request: "RecommenderRequest") -> None:
        """Count a request that is over."""
        self._outcomes[request.outcome].inc()
        self._durations[request.was_reranked].observe(request.seconds)
        if request.length is not None:
            self._lengths.observe(request.length)
        if request.error is not None or request.fallback_method is not None:
            self._write_rare(request)

    def write(self, requests: "Sequence[RecommenderRequest]") -> None:
        """Count requests that are over; nothing is raised."""
        try:
            outcomes = [request.outcome for request in requests]
            for outcome in set(outcomes):
                self._outcomes[outcome].inc(outcomes.count(outcome))
            seconds: tuple[list[float], list[float]] = ([], [])
            for request in requests:
                if request.request_id is None:
                    seconds[request.was_reranked].append(request.seconds)
                else:
                    exemplar = exemplar_of(request.request_id)
                    self._durations[request.was_reranked].observe(request.seconds, exemplar)
                if request.error is not None or request.fallback_method is not None:
                    self._write_rare(request)
            for reranked in (False, True):
                if seconds[reranked]:
                    observe_all(self._durations[reranked], seconds[reranked])
            observe_all(self._lengths, [request.length for request in requests if request.length is not None])
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            self.drop(fault)

    def _write_rare(self, request: "RecommenderRequest") -> None:
        try:
            if request.error is not None:
                self._named(self._errors, self._metrics.errors, request.error).inc()
            if request.fallback_method is not None:
                self._named(self._fallbacks, self._metrics.fallbacks, request.fallback_method).inc()
        except Exception as fault:  # noqa: BLE001 - the other requests are counted all the same
            self.drop(fault)

    def _named(self, known: dict[str, Counter], metric: Counter, name: str) -> Counter:
        found = known.get(name)
        if found is None and len(known) >= _MOST_NAMES:
            return metric.labels(self.model, self.variant, "other")
        if found is None:
            found = known[name] = metric.labels(self.model, self.variant, name)
        return found

    def drop(self, fault: Exception) -> None:
        """Watching failed; the service goes on."""
        self.dropped.drop("metrics", "error", fault)


class RecommenderRequest:
    """One request: under way, then its record.

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
        length: how many were returned.
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
    length: int | None = None

    # Arguments by position cost less; `RecommenderMetrics.request` asks for names.
    def __init__(  # noqa: PLR0917
        self,
        arm: Arm,
        user_id: int | str | None = None,
        topk: int | None = None,
        exclude_seen: bool | None = None,  # noqa: FBT001
        filters: Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> None:
        self._arm = arm
        self.version = arm.version
        self.user_id = user_id
        self.topk = topk
        self.exclude_seen = exclude_seen
        self.filters = filters
        self.request_id = request_id

    @property
    def model(self) -> str:
        """The model's name."""
        return self._arm.model

    @property
    def variant(self) -> str:
        """The arm of an A/B test."""
        return self._arm.variant

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
            items: their ids, best first. A list, a tuple, an array: something with a length, no generator.
            scores: the model's scores of them, in their order.
            recent: ids of what the user took recently.
        """
        try:
            self.length = len(items)
            if self._arm.recorder is not None:
                self.items = _as_tuple(items)
                self.item_scores = None if scores is None else _as_tuple(scores)
                self.recent = None if recent is None else _as_tuple(recent)
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            self._arm.drop(fault)

    def rerank(
        self,
        *,
        collaborative: Collection[float] | None = None,
        content: Collection[float] | None = None,
    ) -> None:
        """The list was reranked: its time counts with `reranked="true"`.

        Args:
            collaborative: the candidates' scores by the collaborative model.
            content: the candidates' scores by content, in the same order.
        """
        self.was_reranked = True
        try:
            if self._arm.recorder is not None:
                self.collaborative = None if collaborative is None else _as_tuple(collaborative)
                self.content = None if content is None else _as_tuple(content)
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            self._arm.drop(fault)

    def __enter__(self) -> Self:
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.seconds = seconds = perf_counter() - self._started
        arm = self._arm
        try:
            if error is not None:
                self.outcome = _outcome(error)
                if self.outcome == "error":
                    self.error = type(error).__name__
            if arm.one_by_one:
                arm.write_one(self)
            else:
                arm.waiting.append((arm, self))
                if len(arm.waiting) >= MOST:
                    arm.write_all()
            if arm.recorder is not None:
                self.timestamp = time() - seconds
                arm.recorder.put(self)
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            arm.drop(fault)


def _as_tuple(values: Collection[Any]) -> tuple[Any, ...]:
    """A copy; an array becomes Python's own numbers, which any log or database takes."""
    if type(values) is list or type(values) is tuple:
        return tuple(values)
    to_list = getattr(values, "tolist", None)
    return tuple(values) if to_list is None else tuple(to_list())


def _outcome(error: BaseException) -> Outcome:
    if isinstance(error, asyncio.CancelledError) or type(error).__name__ == _DISCONNECT:
        return "cancelled"
    if not isinstance(error, Exception):
        return "cancelled"
    status = getattr(error, "status_code", None)
    return "success" if isinstance(status, int) and status < _FIRST_FAILURE else "error"
